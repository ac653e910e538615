use starsessions::Session;

#[derive(Session)]
#[session(crate = "a path")]
struct Shop {
    views: u64,
}

fn main() {}
