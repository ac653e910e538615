use starsessions::Session;

#[derive(Session)]
#[session(namespace = "shop.cart")]
struct Shop {
    views: u64,
}

fn main() {}
