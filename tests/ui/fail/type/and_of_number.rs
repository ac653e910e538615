use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(merge = and)]
    views: u64,
}

fn main() {}
