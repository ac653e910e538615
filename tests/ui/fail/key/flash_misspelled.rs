use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(flsh)]
    notice: Option<String>,
}

fn main() {}
