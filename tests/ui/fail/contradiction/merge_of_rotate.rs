use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(rotate, merge = union)]
    roles: Vec<String>,
}

fn main() {}
