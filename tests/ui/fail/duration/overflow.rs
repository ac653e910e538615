use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(expires = "99999999999999999999d")]
    views: u64,
}

fn main() {}
