use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(version = 4294967296)]
    views: u64,
}

fn main() {}
