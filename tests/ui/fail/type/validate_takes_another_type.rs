use starsessions::Session;

fn small(_: &String) -> Result<(), String> {
    Ok(())
}

#[derive(Session)]
struct Shop {
    #[session(validate = small)]
    views: u64,
}

fn main() {}
