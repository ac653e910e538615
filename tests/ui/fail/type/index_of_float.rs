use starsessions::Session;

#[derive(Session)]
struct Login {
    #[session(index)]
    weight: Option<f64>,
}

#[derive(Session)]
struct Roles {
    #[session(index)]
    roles: std::collections::HashSet<u8>,
}

#[derive(Session)]
struct Of<T> {
    #[session(required, index)]
    user: T,
}

fn main() {
    fn takes<T: starsessions::session::Indexed>() {}
    takes::<Of<u8>>();
    takes::<Of<f32>>();
}
