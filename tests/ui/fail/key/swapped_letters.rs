use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(idel = "15m")]
    views: u64,
}

fn main() {}
