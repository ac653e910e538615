use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(flash)]
    notice: String,
}

fn main() {}
