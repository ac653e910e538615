use starsessions::Session;

#[derive(Session)]
#[session(crate = 1)]
struct Shop {
    views: u64,
}

fn main() {}
