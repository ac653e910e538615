use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(exclusive, merge = sum)]
    views: u64,
}

fn main() {}
