use starsessions::Session;

#[derive(Session)]
#[session]
struct Shop {
    #[session()]
    cart: Vec<u64>,
    #[session(rotate = true, expires, index secret)]
    views: u64,
    #[session(default = 1 +, idle("15m"))]
    coupon: u64,
}

fn main() {}
