use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(merge = policies::newest, rotate)]
    views: u64,
}

fn main() {}
