use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(merge = union)]
    views: u64,
}

fn main() {}
