use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session("rotate")]
    views: u64,
}

fn main() {}
