use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(commit = "always")]
    views: u64,
}

fn main() {}
