use starsessions::{Session, SessionData};

#[derive(Session)]
enum Shop {
    Open,
}

fn read<T: SessionData>(_: &T) {}

fn handlers(shop: &Shop, other: &Shop) {
    read(shop);
    read(other);
    let _ = <Shop as SessionData>::SCHEMA;
}

fn main() {}
