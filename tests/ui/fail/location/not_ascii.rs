use starsessions::Session;

#[derive(Session)]
#[session(reject = "/größe")]
struct Shop {
    #[session(required)]
    user: u64,
}

fn main() {}
