use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session]
    views: u64,
}

fn main() {}
