use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(alias = ["hits", "page.hits"])]
    views: u64,
}

fn main() {}
