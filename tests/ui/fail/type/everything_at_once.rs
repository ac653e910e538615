use starsessions::Session;

struct Item;

#[derive(Session)]
struct Shop {
    cart: Vec<Item>,
    #[session(merge = sum)]
    name: String,
    #[session(default = "one")]
    views: u64,
}

fn main() {}
