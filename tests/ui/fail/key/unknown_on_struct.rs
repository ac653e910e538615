use starsessions::Session;

#[derive(Session)]
#[session(colour = "red")]
struct Shop {
    views: u64,
}

fn main() {}
