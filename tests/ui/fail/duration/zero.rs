use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(expires = "0m")]
    views: u64,
}

fn main() {}
