//! G12: what lies in a store that others can read is sealed, and bound to its place and its times.

use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use starsessions::store::{Loaded, Record, RowKey, Store};
use starsessions::{Clock, MemoryStore, Session, SessionError, Sessions};
use starsessions_tests::client::Client;
use starsessions_tests::site::{Kept, Site};
use starsessions_tests::spy::Spy;

use starsessions_tests::shop;

#[derive(Session)]
struct Sudo {
    #[session(required, expires = "5m")]
    confirmed: String,
}

fn routes() -> Router {
    shop::with_logout()
        .route("/confirm", post(confirm))
        .route("/confirmed", get(confirmed))
}

async fn confirm(sessions: Sessions) -> Result<(), SessionError> {
    let confirmed = "by password".to_owned();
    sessions.insert(Sudo { confirmed })
}

async fn confirmed(sudo: Option<Session<Sudo>>) -> String {
    sudo.map_or("no".to_owned(), |sudo| sudo.confirmed.clone())
}

fn sealed() -> Site {
    let store = Spy::new(MemoryStore::new()).sealed();
    Site::over(store, Kept::OnServer, |layer| {
        layer.renewal(Duration::from_secs(600))
    })
}

/// The one row that is alive, as the store has it.
async fn row(site: &Site) -> (RowKey, Record) {
    let now = site.clock().now();
    for key in site.store.keys() {
        if let Ok(Some(Loaded::Live(record))) = site.store.store().load(&key, now).await {
            return (key, record);
        }
    }
    panic!("there is no row");
}

/// What somebody does who can write to the store.
async fn overwrite(site: &Site, key: &RowKey, record: &Record) {
    let (store, now) = (site.store.store(), site.clock().now());
    store.delete(key, now).await.unwrap();
    store.create(key, record, now).await.unwrap();
}

async fn confirmed_user(site: &Site) -> Client {
    let mut client = site.serve(routes());
    client.post("/login/7").await;
    client.post("/confirm").await;
    assert_eq!(client.get("/confirmed").await.body, "by password");
    client
}

#[tokio::test]
async fn g12_commits_merges_rotation_and_renewal_go_on_over_sealed_values() {
    let site = sealed();
    let mut client = site.serve(routes());
    client.post("/cart/tea").await;
    let tab = client.clone();
    let parallel = (0..8).map(|_| {
        let mut tab = tab.clone();
        tokio::spawn(async move { tab.post("/views").await.status })
    });
    for view in parallel.collect::<Vec<_>>() {
        assert!(view.await.unwrap().is_success());
    }
    client.post("/login/7").await;
    site.wait_seconds(600);
    assert!(client.get("/cart").await.sets_cookie(), "the id is renewed");
    for (path, expected) in [("/cart", "tea"), ("/views", "8"), ("/me", "7")] {
        assert_eq!(client.get(path).await.body, expected, "{path}");
    }
    let dump = site.store.dump().concat();
    assert!(!dump.windows(3).any(|bytes| bytes == b"tea"));
}

#[tokio::test]
async fn g12_a_value_in_another_row_or_field_counts_as_absent() {
    let site = sealed();
    let mut victim = site.serve(routes());
    victim.post("/login/7").await;
    // A value of the same type that the visitor chooses, in the place of one that is earned.
    victim.post("/language/forged").await;
    let (key, record) = row(&site).await;
    let mut swapped = record.clone();
    let chosen = record.fields.get("shop.language").unwrap().clone();
    swapped.fields.insert("sudo.confirmed".into(), chosen);
    overwrite(&site, &key, &swapped).await;
    assert_eq!(victim.get("/confirmed").await.body, "no", "another field");
    assert_eq!(
        victim.get("/language").await.body,
        "forged",
        "the others survive"
    );

    let other = sealed_neighbour(&site, &record).await;
    assert_eq!(other, ("guest".to_owned(), "no".to_owned()), "another row");
}

/// A second visitor whose row gets the victim's record.
async fn sealed_neighbour(site: &Site, stolen: &Record) -> (String, String) {
    let known = site.store.keys();
    let mut thief = site.serve(routes());
    thief.post("/cart/tea").await;
    let key = site
        .store
        .keys()
        .into_iter()
        .find(|key| !known.contains(key));
    overwrite(site, &key.unwrap(), stolen).await;
    (
        thief.get("/me").await.body,
        thief.get("/confirmed").await.body,
    )
}

#[tokio::test]
async fn g12_whoever_writes_to_the_store_prolongs_neither_a_confirmation_nor_a_session() {
    let site = sealed();
    let mut client = confirmed_user(&site).await;
    let (key, record) = row(&site).await;
    let mut prolonged = record.clone();
    let mut field = record.fields.get("sudo.confirmed").unwrap().clone();
    field.expires_at = field.expires_at.map(|end| end + Duration::from_secs(3_600));
    prolonged.fields.insert("sudo.confirmed".into(), field);
    overwrite(&site, &key, &prolonged).await;
    assert_eq!(client.get("/confirmed").await.body, "no");
    assert_eq!(client.get("/me").await.body, "7");

    let mut younger = record;
    younger.created_at = younger.created_at + Duration::from_secs(1);
    overwrite(&site, &key, &younger).await;
    assert_eq!(client.get("/me").await.body, "guest");
}
