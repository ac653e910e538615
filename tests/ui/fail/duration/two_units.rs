use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(expires = "1h30m")]
    views: u64,
}

fn main() {}
