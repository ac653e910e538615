use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(default = "one")]
    views: u64,
}

fn main() {}
