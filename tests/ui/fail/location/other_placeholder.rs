use starsessions::Session;

#[derive(Session)]
#[session(reject = "/login?next={url}")]
struct Shop {
    #[session(required)]
    user: u64,
}

fn main() {}
