use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(idle = "0s")]
    views: u64,
}

fn main() {}
