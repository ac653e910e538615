use starsessions::Session;

fn newest(_: &u64, mine: &u64, _: &u64) -> u64 {
    *mine
}

#[derive(Session)]
struct Shop {
    #[session(merge = newest)]
    coupon: Option<u64>,
}

fn main() {}
