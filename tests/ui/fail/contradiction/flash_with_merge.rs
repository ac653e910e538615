use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(flash, merge = append)]
    notice: Vec<String>,
}

fn main() {}
