use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(rotate index)]
    views: u64,
}

fn main() {}
