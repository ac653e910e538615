use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(expires = "")]
    views: u64,
}

fn main() {}
