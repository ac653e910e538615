use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(merge = 1)]
    views: u64,
}

fn main() {}
