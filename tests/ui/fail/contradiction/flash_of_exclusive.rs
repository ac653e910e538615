use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(exclusive, flash)]
    notice: Option<String>,
}

fn main() {}
