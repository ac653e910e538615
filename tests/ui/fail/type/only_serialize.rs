use serde::Serialize;
use starsessions::Session;

#[derive(Serialize)]
struct Item;

#[derive(Session)]
struct Shop {
    item: Option<Item>,
}

fn main() {}
