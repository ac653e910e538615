use starsessions::Session;

#[derive(Session)]
struct Shop {
    größe: u64,
}

fn main() {}
