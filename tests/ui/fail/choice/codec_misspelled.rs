use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(codec = jsno)]
    views: u64,
}

fn main() {}
