use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(expirs = "10m")]
    views: u64,
}

fn main() {}
