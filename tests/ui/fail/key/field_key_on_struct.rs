use starsessions::Session;

#[derive(Session)]
#[session(rotate)]
struct Shop {
    views: u64,
}

fn main() {}
