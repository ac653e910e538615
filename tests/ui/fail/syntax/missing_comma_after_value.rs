use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(expires = "10m" rotate)]
    views: u64,
}

fn main() {}
