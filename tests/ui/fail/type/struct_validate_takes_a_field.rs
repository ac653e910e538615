use starsessions::Session;

fn small(_: &u64) -> Result<(), String> {
    Ok(())
}

#[derive(Session)]
#[session(validate = small)]
struct Shop {
    views: u64,
}

fn main() {}
