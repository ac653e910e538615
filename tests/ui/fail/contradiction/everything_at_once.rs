use starsessions::Session;

#[derive(Session)]
#[session(reject = "/login")]
struct Shop {
    #[session(exclusive, merge = sum, alias = "views")]
    views: u64,
    #[session(skip, index, version = 2)]
    cart: Vec<u64>,
    #[session(rotate, commit = always, migrate = from_v1)]
    user: Option<u64>,
    #[session(rename = "user", idle = "1h", expires = "1m")]
    owner: Option<u64>,
}

fn main() {}
