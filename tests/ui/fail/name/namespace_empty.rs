use starsessions::Session;

#[derive(Session)]
#[session(namespace = "")]
struct Shop {
    views: u64,
}

fn main() {}
