use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(alias = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")]
    views: u64,
}

fn main() {}
