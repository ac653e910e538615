use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(merge = sum, exclusive)]
    views: u64,
}

fn main() {}
