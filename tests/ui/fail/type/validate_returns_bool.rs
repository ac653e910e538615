use starsessions::Session;

fn small(views: &u64) -> bool {
    *views < 10
}

#[derive(Session)]
struct Shop {
    #[session(validate = small)]
    views: u64,
}

fn main() {}
