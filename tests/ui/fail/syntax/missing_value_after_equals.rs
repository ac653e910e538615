use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(merge = )]
    views: u64,
}

fn main() {}
