use serde::{Deserialize, Serialize};
use starsessions::Session;

#[derive(Serialize, Deserialize)]
struct Item;

#[derive(Session)]
struct Shop {
    item: Item,
}

fn main() {}
