use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session = "shop"]
    views: u64,
}

fn main() {}
