use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(expires = 10min)]
    views: u64,
}

fn main() {}
