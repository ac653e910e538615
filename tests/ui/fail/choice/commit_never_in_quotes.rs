use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(commit = "never")]
    views: u64,
}

fn main() {}
