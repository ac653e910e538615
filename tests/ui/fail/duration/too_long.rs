use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(expires = "401d")]
    views: u64,
}

fn main() {}
