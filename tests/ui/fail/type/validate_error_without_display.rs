use starsessions::Session;

struct TooLarge;

fn small(_: &u64) -> Result<(), TooLarge> {
    Ok(())
}

#[derive(Session)]
struct Shop {
    #[session(validate = small)]
    views: u64,
}

fn main() {}
