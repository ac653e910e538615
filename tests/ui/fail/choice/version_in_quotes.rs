use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(version = "2")]
    views: u64,
}

fn main() {}
