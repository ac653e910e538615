use starsessions::Session;

#[derive(Session)]
#[session(until = sign_in)]
struct Shop {
    views: u64,
}

fn main() {}
