use starsessions::Session;

#[derive(Session)]
#[session(reject = "https://example.org/login")]
struct Shop {
    #[session(required)]
    user: u64,
}

fn main() {}
