use starsessions::Session;

struct Guard;

#[derive(Session)]
struct Shop {
    #[session(skip)]
    guard: Guard,
    views: u64,
}

fn main() {}
