use starsessions::Session;

#[derive(Session)]
enum Shop {
    Open { views: u64 },
}

fn main() {}
