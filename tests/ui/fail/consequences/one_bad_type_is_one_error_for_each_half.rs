use starsessions::{Session, SessionData};

struct Item;

#[derive(Session)]
struct Shop {
    #[session(default = Vec::new())]
    cart: Vec<Item>,
}

fn read<T: SessionData>(_: &T) {}

fn handlers(shop: &Shop, other: &Shop) {
    read(shop);
    read(other);
    let _ = <Shop as SessionData>::SCHEMA;
}

fn main() {}
