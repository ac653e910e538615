use starsessions::Session;

#[derive(Session)]
#[session(namespace = "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn")]
struct Shop {
    #[session(rename = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")]
    views: u64,
}

fn main() {}
