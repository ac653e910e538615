use starsessions::Session;

#[derive(Session)]
#[session(validate = "sane")]
struct Shop {
    #[session(merge = "sum", validate = small())]
    views: u64,
    #[session(merge = unoin, version = 2, migrate = 1)]
    cart: Vec<u64>,
}

fn main() {}
