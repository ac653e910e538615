use starsessions::Session;

#[derive(Session)]
#[session(rotate, namespce = "shop", namespace = "a", namespace = "b")]
struct Shop {
    #[session(idel = "15m", reject = "/login", index, index)]
    views: u64,
    #[session(colour = HashMap::<u8, u8>::new())]
    cart: Vec<u64>,
}

fn main() {}
