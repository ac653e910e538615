use starsessions::Session;

#[derive(Session)]
#[session(realm = "/admin")]
struct Shop {
    views: u64,
}

fn main() {}
