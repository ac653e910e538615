use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(merge = "sum")]
    views: u64,
}

fn main() {}
