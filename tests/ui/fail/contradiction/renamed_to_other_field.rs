use starsessions::Session;

#[derive(Session)]
struct Shop {
    cart: Vec<u64>,
    #[session(rename = "cart")]
    basket: Vec<u64>,
}

fn main() {}
