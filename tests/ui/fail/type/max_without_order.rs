use serde::{Deserialize, Serialize};
use starsessions::Session;

#[derive(Serialize, Deserialize)]
struct Item;

#[derive(Session)]
struct Shop {
    #[session(merge = max)]
    item: Option<Item>,
}

fn main() {}
