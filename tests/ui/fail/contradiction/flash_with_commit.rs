use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(flash, commit = always)]
    notice: Option<String>,
}

fn main() {}
