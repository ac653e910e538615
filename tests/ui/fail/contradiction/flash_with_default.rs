use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(flash, default = None)]
    notice: Option<String>,
}

fn main() {}
