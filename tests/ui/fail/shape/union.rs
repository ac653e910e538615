use starsessions::Session;

#[derive(Session)]
union Shop {
    views: u64,
}

fn main() {}
