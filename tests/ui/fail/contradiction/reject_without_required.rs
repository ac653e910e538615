use starsessions::Session;

#[derive(Session)]
#[session(reject = "/login")]
struct Shop {
    views: u64,
}

fn main() {}
