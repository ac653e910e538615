use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(codec = "json")]
    views: u64,
}

fn main() {}
