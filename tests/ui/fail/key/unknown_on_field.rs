use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(colour = "red")]
    views: u64,
}

fn main() {}
