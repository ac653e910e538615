use starsessions::Session;

#[derive(Session)]
struct Shop {
    cart: Vec<u64>,
    #[session(alias = "cart")]
    basket: Vec<u64>,
}

fn main() {}
