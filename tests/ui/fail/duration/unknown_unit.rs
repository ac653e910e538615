use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(expires = "10x")]
    views: u64,
}

fn main() {}
