use starsessions::Session;

#[derive(Session)]
struct Größe {
    views: u64,
}

fn main() {}
