//! The session that each visitor keeps: about 300 bytes as JSON.

use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize, Default)]
pub struct Item {
    pub sku: u64,
    pub quantity: u32,
    pub price: u32,
}

#[derive(Clone, Serialize, Deserialize, Default)]
pub struct Visitor {
    pub user: u64,
    pub name: String,
    pub cart: Vec<Item>,
    pub token: String,
    pub since: u64,
    pub views: u64,
}

impl Visitor {
    pub fn ada() -> Self {
        Self {
            user: 42,
            name: "Ada Lovelace".to_owned(),
            cart: (0..5)
                .map(|sku| Item {
                    sku: 1_000 + sku,
                    quantity: 1,
                    price: 1_999,
                })
                .collect(),
            token: "0123456789abcdef0123456789abcdef".to_owned(),
            since: 1_790_000_000,
            views: 1,
        }
    }
}
