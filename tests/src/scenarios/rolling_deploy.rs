//! 11. Rolling deploy.

use crate::client::Client;
use crate::routing::{get, post};
use crate::site::Site;
use axum::Router;
use http::StatusCode;
use starsessions::Session;
use starsessions::store::Store;
use starsessions::value::{OldValue, ValueError};

use crate::shop;

#[derive(Session)]
#[session(namespace = "basket")]
struct V1 {
    items: Vec<String>,
    /// Removed in version 2.
    colour: Option<String>,
    /// In whole euros.
    price: u64,
}

#[derive(Session)]
#[session(namespace = "basket")]
struct V2 {
    items: Vec<String>,
    gift_wrap: bool,
    /// In cents.
    #[session(version = 2, migrate = from_euros)]
    price: u64,
}

fn from_euros(old: OldValue<'_>) -> Result<u64, ValueError> {
    Ok(old.decode::<u64>()? * 100)
}

/// The shop with the same layer and login, and one version of the struct.
fn deployed<S: Store + Clone>(site: &Site<S>, version: Router) -> Client {
    site.serve(shop::routes().merge(version))
}

fn v1<S: Store + Clone>(site: &Site<S>) -> Client {
    let add = post(|mut basket: Session<V1>| async move {
        basket.items.push("one".to_owned());
        basket.colour.get_or_insert_with(|| "blue".to_owned());
    });
    let price = post(|mut basket: Session<V1>| async move { basket.price = 3 });
    deployed(
        site,
        Router::new().route("/add", add).route("/price", price),
    )
}

fn v2<S: Store + Clone>(site: &Site<S>) -> Client {
    let add = post(|mut basket: Session<V2>| async move {
        basket.items.push("two".to_owned());
    });
    let wrap = post(|mut basket: Session<V2>| async move { basket.gift_wrap = true });
    let show = get(|basket: Session<V2>| async move {
        format!(
            "{} {} {}",
            basket.items.len(),
            basket.gift_wrap,
            basket.price
        )
    });
    let routes = Router::new()
        .route("/add", add)
        .route("/wrap", wrap)
        .route("/show", show);
    deployed(site, routes)
}

/// An older and a newer binary serve the same session alternately.
///
/// # Panics
/// If one binary loses a write of the other.
pub async fn two_versions_serve_one_session<S: Store + Clone>(site: &Site<S>) {
    let (old, new) = (v1(site), v2(site));
    let mut client = old.clone();
    client.post("/login/7").await;
    client.post("/price").await;
    client = client.at(&new);
    client.post("/wrap").await;

    for turn in 0..100 {
        client = client.at(if turn % 2 == 0 { &old } else { &new });
        assert_eq!(
            client.post("/add").await.status,
            StatusCode::OK,
            "turn {turn}"
        );
        assert_eq!(client.get("/me").await.body, "7", "turn {turn}");
    }

    assert_eq!(client.at(&new).get("/show").await.body, "100 true 300");
}
