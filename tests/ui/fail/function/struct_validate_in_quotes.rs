use starsessions::Session;

#[derive(Session)]
#[session(validate = "sane")]
struct Shop {
    views: u64,
}

fn main() {}
