use starsessions::Session;

#[derive(Session)]
#[session(reject = "//example.org/login")]
struct Shop {
    #[session(required)]
    user: u64,
}

fn main() {}
