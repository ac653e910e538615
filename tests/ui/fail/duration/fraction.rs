use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(expires = "1.5h")]
    views: u64,
}

fn main() {}
