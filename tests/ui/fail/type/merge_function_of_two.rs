use starsessions::Session;

fn newest(mine: &u64, _: &u64) -> u64 {
    *mine
}

#[derive(Session)]
struct Shop {
    #[session(merge = newest)]
    views: u64,
}

fn main() {}
