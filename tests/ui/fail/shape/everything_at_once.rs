use starsessions::Session;

#[derive(Session)]
#[session(rotate)]
enum Shop {
    Open,
}

#[derive(Session)]
#[session(namespace = "a.b")]
struct Tuple(u64);

#[derive(Session)]
struct Empty {}

fn main() {}
