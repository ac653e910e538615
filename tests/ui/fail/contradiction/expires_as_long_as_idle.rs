use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(idle = "10m", expires = "600s")]
    views: u64,
}

fn main() {}
