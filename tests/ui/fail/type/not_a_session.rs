use starsessions::SessionData;

struct Shop;

fn handler<T: SessionData>() {}

fn handlers() {
    handler::<Shop>();
}

fn main() {}
