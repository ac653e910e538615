use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(alias = "hits", alias = "hits")]
    views: u64,
}

fn main() {}
