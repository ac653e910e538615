use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(expires = "-10m")]
    views: u64,
}

fn main() {}
