use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(namespce = "shop")]
    views: u64,
}

fn main() {}
