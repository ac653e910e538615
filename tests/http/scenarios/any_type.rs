//! 16. Typed handler.

use axum::Router;
use serde::{Deserialize, Serialize};
use starsessions::Session;
use starsessions_tests::routing::get;
use starsessions_tests::site::{Kept, Site};

#[derive(Session)]
struct Cart {
    items: Vec<Item>,
    coupon: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Item {
    article: u32,
    count: u32,
}

async fn add(mut cart: Session<Cart>) -> String {
    if let Some(item) = cart.items.iter_mut().find(|item| item.article == 7) {
        item.count += 1;
    } else {
        cart.items.push(Item {
            article: 7,
            count: 1,
        });
    }
    format!("{} {:?}", cart.items[0].count, cart.coupon)
}

#[tokio::test]
async fn scenario_16_a_mutation_deep_inside_a_users_own_type_is_stored() {
    for kept in Kept::ANYWHERE {
        let mut client = Site::kept(kept).serve(Router::new().route("/add", get(add)));
        for count in 1..=3 {
            let body = client.get("/add").await.body;
            assert_eq!(body, format!("{count} None"), "{kept:?}");
        }
    }
}
