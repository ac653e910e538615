use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(default = 1, required)]
    views: u64,
}

fn main() {}
