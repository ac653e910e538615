use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(alias = "cart")]
    basket: Vec<u64>,
    cart: Vec<u64>,
}

fn main() {}
