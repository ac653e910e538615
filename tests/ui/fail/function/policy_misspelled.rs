use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(merge = summ)]
    views: u64,
}

fn main() {}
