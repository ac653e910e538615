use starsessions::Session;

struct Item;

#[derive(Session)]
struct Shop {
    cart: Vec<Item>,
}

fn main() {}
