use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(index, flash)]
    notice: Option<String>,
}

fn main() {}
