use starsessions::Session;

#[derive(Session)]
#[session(namespce = "shop")]
struct Shop {
    views: u64,
}

fn main() {}
