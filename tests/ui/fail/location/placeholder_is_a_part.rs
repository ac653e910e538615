use starsessions::Session;

#[derive(Session)]
#[session(reject = "/login?next=x{path}")]
struct Shop {
    #[session(required)]
    user: u64,
}

fn main() {}
