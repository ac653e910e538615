use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(validate = small())]
    views: u64,
}

fn main() {}
