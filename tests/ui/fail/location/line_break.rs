use starsessions::Session;

#[derive(Session)]
#[session(reject = "/login\r\nSet-Cookie: a=b")]
struct Shop {
    #[session(required)]
    user: u64,
}

fn main() {}
