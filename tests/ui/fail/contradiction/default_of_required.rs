use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(required, default = 1)]
    views: u64,
}

fn main() {}
