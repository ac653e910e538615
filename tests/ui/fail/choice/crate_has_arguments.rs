use starsessions::Session;

#[derive(Session)]
#[session(crate = starsessions::<u64>)]
struct Shop {
    views: u64,
}

fn main() {}
