use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(rotate = false)]
    views: u64,
}

fn main() {}
