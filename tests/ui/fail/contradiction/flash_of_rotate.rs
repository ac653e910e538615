use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(rotate, flash)]
    notice: Option<String>,
}

fn main() {}
