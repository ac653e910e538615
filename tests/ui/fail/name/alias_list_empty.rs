use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(alias = [])]
    views: u64,
}

fn main() {}
