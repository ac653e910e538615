use starsessions::Session;

#[derive(Session)]
#[session(reject = "/log in")]
struct Shop {
    #[session(required)]
    user: u64,
}

fn main() {}
