use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(migrate = from_v1)]
    views: u64,
}

fn main() {}
