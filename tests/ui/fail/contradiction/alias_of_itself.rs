use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(alias = "views")]
    views: u64,
}

fn main() {}
