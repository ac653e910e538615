use starsessions::Session;

#[derive(Session)]
struct Shop(u64, String);

fn main() {}
