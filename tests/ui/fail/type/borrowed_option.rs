use starsessions::Session;

#[derive(Session)]
struct Shop {
    name: Option<&'static str>,
}

fn main() {}
