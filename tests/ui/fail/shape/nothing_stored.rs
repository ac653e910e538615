use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(skip)]
    views: u64,
}

fn main() {}
