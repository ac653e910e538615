use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(rotate)]
    #[session(rotate)]
    views: u64,
}

fn main() {}
