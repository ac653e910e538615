use starsessions::value::OldValue;
use starsessions::Session;

struct Lost;

fn from_v1(_: OldValue<'_>) -> Result<u64, Lost> {
    Err(Lost)
}

#[derive(Session)]
struct Shop {
    #[session(version = 2, migrate = from_v1)]
    views: u64,
}

fn main() {}
