use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(version = 0)]
    views: u64,
}

fn main() {}
