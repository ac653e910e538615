use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(rename = "page views")]
    views: u64,
}

fn main() {}
