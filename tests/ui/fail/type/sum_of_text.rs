use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(merge = sum)]
    name: String,
}

fn main() {}
