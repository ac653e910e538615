use starsessions::Session;

#[derive(Session)]
#[session(namespace = "shop.cart", realm = admin)]
struct Shop {
    #[session(rename = "page views", alias = "")]
    views: u64,
    #[session(alias = ["cart", "page/hits", "hits"])]
    cart: Vec<u64>,
    hits: u64,
}

fn main() {}
