use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(realm = "admin")]
    views: u64,
}

fn main() {}
