use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(until = never)]
    views: u64,
}

fn main() {}
