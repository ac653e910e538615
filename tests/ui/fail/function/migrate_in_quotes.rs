use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(version = 2, migrate = "from_v1")]
    views: u64,
}

fn main() {}
