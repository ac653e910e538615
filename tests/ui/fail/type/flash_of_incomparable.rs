use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use starsessions::Session;

#[derive(Serialize, Deserialize)]
struct Message {
    text: String,
}

#[derive(Session)]
struct Shop {
    #[session(flash)]
    notices: Vec<Message>,
    #[session(flash)]
    by_field: HashMap<String, Message>,
}

fn main() {}
