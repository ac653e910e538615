use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(merge = |_, mine, _| *mine)]
    views: u64,
}

fn main() {}
