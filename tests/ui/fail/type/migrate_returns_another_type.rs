use starsessions::value::{OldValue, ValueError};
use starsessions::Session;

fn from_v1(_: OldValue<'_>) -> Result<String, ValueError> {
    Ok(String::new())
}

#[derive(Session)]
struct Shop {
    #[session(version = 2, migrate = from_v1)]
    views: u64,
}

fn main() {}
