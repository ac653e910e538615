use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(required)]
    user: Option<u64>,
}

fn main() {}
