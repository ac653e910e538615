use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(until = "rotate")]
    views: u64,
}

fn main() {}
