use starsessions::Session;

#[derive(Session)]
struct Shop {}

fn main() {}
