use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(merge = append)]
    views: u64,
}

fn main() {}
