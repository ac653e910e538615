use starsessions::Session;

#[derive(Session)]
#[session(crate = 1)]
struct Shop {
    #[session(codec = xml, commit = never, version = 0)]
    views: u64,
    #[session(codec = "json", commit = "always", version = "2")]
    cart: Vec<u64>,
}

fn main() {}
