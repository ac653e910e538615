use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(skip)]
    guard: std::rc::Rc<u8>,
    views: u64,
}

fn main() {}
