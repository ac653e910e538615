use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(validate = "checks::small")]
    views: u64,
}

fn main() {}
