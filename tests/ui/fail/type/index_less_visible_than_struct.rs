use starsessions::Session;

#[derive(PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
struct UserId(u64);

#[derive(Session)]
pub struct Login {
    #[session(required, rotate, index)]
    user: UserId,
}

fn main() {}
