//! An event stream that ends with its session.

use std::convert::Infallible;

use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::{Router, routing::get};
use futures_util::{Stream, StreamExt, stream};
use starsessions::{PassiveLayer, Session};

async fn live(
    shop: Session<Shop>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, StatusCode> {
    // A guest without a session: 204 tells the browser not to reconnect.
    let shop = shop.detach().map_err(|_| StatusCode::NO_CONTENT)?;
    let carts = shop.watch().into_stream();
    let carts = carts.map(|shop| Event::default().data(shop.cart.join(", ")));
    let end = stream::iter([Event::default().event("end").data("signed out")]);
    Ok(Sse::new(carts.chain(end).map(Ok)).keep_alive(KeepAlive::default()))
}

fn routes() -> Router {
    // An open tab alone does not keep its user signed in.
    Router::new().route("/cart/live", get(live).layer(PassiveLayer))
}

// What the page leaves out.

use starsessions_tests::shop::{self, Shop};

#[tokio::test]
async fn a_stream_tells_of_other_tabs_and_of_the_end() {
    use http_body_util::BodyExt;
    use starsessions_tests::client::Client;
    use starsessions_tests::site::Site;
    use std::time::Duration;
    use tower::ServiceExt;

    let sessions = Site::new().sessions.layer();
    let app = shop::with_logout().merge(routes()).layer(sessions);
    let mut tab = Client::new(&app);
    assert_eq!(tab.get("/cart/live").await.status, 204);
    tab.post("/cart/tea").await;
    let request = http::Request::get("/cart/live")
        .header("cookie", tab.cookies().unwrap())
        .body(axum::body::Body::empty());
    let mut body = app
        .clone()
        .oneshot(request.unwrap())
        .await
        .unwrap()
        .into_body();
    let mut heard = String::new();
    let mut until = async |words: &str| {
        while !heard.contains(words) {
            let frame = tokio::time::timeout(Duration::from_secs(20), body.frame());
            let data = frame.await.unwrap().expect(words).unwrap().into_data();
            heard += std::str::from_utf8(&data.unwrap()).unwrap();
        }
    };
    tab.post("/cart/cup").await;
    until("data: tea, cup\n").await;
    tab.post("/logout").await;
    until("event: end\ndata: signed out\n").await;
}
