use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(rotate, commit = always)]
    views: u64,
}

fn main() {}
