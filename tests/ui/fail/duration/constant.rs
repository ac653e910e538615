use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(expires = TEN_MINUTES)]
    views: u64,
}

fn main() {}
