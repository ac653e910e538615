use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(skip, rotate)]
    views: u64,
    cart: Vec<u64>,
}

fn main() {}
