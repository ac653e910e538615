use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(expires = 0)]
    views: u64,
}

fn main() {}
