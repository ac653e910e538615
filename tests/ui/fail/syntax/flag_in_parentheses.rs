use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(rotate(true))]
    views: u64,
}

fn main() {}
