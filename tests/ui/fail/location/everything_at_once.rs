use starsessions::Session;

#[derive(Session)]
#[session(reject = "login")]
struct Login {
    #[session(required)]
    user: u64,
}

#[derive(Session)]
#[session(reject = "//example.org")]
struct Elsewhere {
    #[session(required)]
    user: u64,
}

#[derive(Session)]
#[session(reject = login)]
struct Bare {
    #[session(required)]
    user: u64,
}

fn main() {}
