use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(codec = xml)]
    views: u64,
}

fn main() {}
