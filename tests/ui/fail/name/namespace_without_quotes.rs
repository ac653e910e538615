use starsessions::Session;

#[derive(Session)]
#[session(namespace = shop)]
struct Shop {
    views: u64,
}

fn main() {}
