//! 2. Reader beside a writer.

use axum::response::Redirect;
use http::{Method, StatusCode};
use starsessions::Session;
use starsessions_tests::gate::Gate;
use starsessions_tests::routing::{get, post};
use starsessions_tests::scenarios::a_message_is_shown_once;
use starsessions_tests::site::{Kept, Site};

use starsessions_tests::shop::{self, Shop};

async fn save(mut shop: Session<Shop>) -> Redirect {
    shop.notice = Some("saved".to_owned());
    Redirect::to("/notice")
}

async fn notice(mut shop: Session<Shop>) -> String {
    shop.notice.take().unwrap_or_default()
}

#[tokio::test]
async fn scenario_02_a_prefetch_that_ends_late_neither_eats_nor_repeats_the_flash() {
    for kept in Kept::ANYWHERE {
        let reading = Gate::new();
        let held = reading.clone();
        let prefetch = get(|shop: Session<Shop>| async move {
            held.pass().await;
            shop.cart.len().to_string()
        });
        let mut client = Site::kept(kept).serve(
            shop::routes()
                .route("/save", post(save))
                .route("/notice", get(notice))
                .route("/prefetch", prefetch),
        );
        client.post("/cart/tea").await;

        let prefetch = tokio::spawn(client.ask(Method::GET, "/prefetch"));
        reading.reached().await;
        assert_eq!(
            client.post("/save").await.location(),
            Some("/notice"),
            "{kept:?}"
        );
        reading.open();
        let prefetch = prefetch.await.unwrap();
        client.keep(&prefetch);

        assert_eq!(
            (prefetch.status, prefetch.body.as_str()),
            (StatusCode::OK, "1")
        );
        assert!(!prefetch.sets_cookie(), "{kept:?}");
        assert_eq!(client.get("/notice").await.body, "saved", "{kept:?}");
        assert_eq!(client.get("/notice").await.body, "", "{kept:?}");
    }
}

#[tokio::test]
async fn scenario_02_a_flash_waits_for_somebody_who_looks_also_in_a_cookie() {
    for kept in Kept::ANYWHERE {
        a_message_is_shown_once(&Site::kept(kept)).await;
    }
}
