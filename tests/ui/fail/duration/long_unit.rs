use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(expires = "10 minutes")]
    views: u64,
}

fn main() {}
