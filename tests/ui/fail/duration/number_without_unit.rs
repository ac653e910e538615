use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(expires = 600)]
    views: u64,
}

fn main() {}
