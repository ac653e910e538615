use starsessions::Session;

#[derive(Session)]
struct Shop {
    #[session(expires = "10x", idle = 600)]
    views: u64,
    #[session(idle = "0m", expires = "500d")]
    coupon: Option<String>,
}

fn main() {}
