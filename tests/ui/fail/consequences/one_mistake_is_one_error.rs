use starsessions::{Session, SessionData};

#[derive(Session)]
struct Shop {
    #[session(expries = "10m")]
    views: u64,
}

fn read<T: SessionData>(_: &T) {}

fn handlers(shop: &Shop, other: &Shop) {
    read(shop);
    read(other);
    let _ = <Shop as SessionData>::SCHEMA;
}

fn main() {}
