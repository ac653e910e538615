use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(required, flash)]
    notice: String,
}

fn main() {}
