use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(rename = 1)]
    views: u64,
}

fn main() {}
