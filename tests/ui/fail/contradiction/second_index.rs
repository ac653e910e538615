use starsessions::Session;

#[derive(Session)]
struct Login {
    #[session(required, index)]
    user: u64,
    #[session(index)]
    company: u64,
}

fn main() {}
