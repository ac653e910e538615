use starsessions::Session;

#[derive(Session)]
#[session(reject = "login")]
struct Shop {
    #[session(required)]
    user: u64,
}

fn main() {}
