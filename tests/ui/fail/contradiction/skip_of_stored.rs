use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(expires = "10m", skip)]
    views: u64,
    cart: Vec<u64>,
}

fn main() {}
