//! G12: data in a store that others can read is sealed and bound to its key and its times.

use std::time::Duration;

use axum::Router;
use starsessions::config::Clock;
use starsessions::store::{Row, RowKey, Store};
use starsessions::{CurrentSession, MemoryStore, Session, SessionError};
use starsessions_tests::client::Client;
use starsessions_tests::routing::{get, post};
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

async fn confirm(session: CurrentSession) -> Result<(), SessionError> {
    let confirmed = "by password".to_owned();
    session.insert(Sudo { confirmed })
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

/// The row that was written last, as stored.
async fn row(site: &Site) -> (RowKey, Row) {
    let key = *site.store.keys().last().expect("a row was inserted");
    let row = site.store.store().load(&key, site.clock().now()).await;
    (key, row.unwrap().expect("the row is there"))
}

/// Replaces a row, as an attacker with write access to the store can.
async fn overwrite(site: &Site, key: &RowKey, row: &Row) {
    let (store, now) = (site.store.store(), site.clock().now());
    store.remove(key).await.unwrap();
    store.insert(key, row, now).await.unwrap();
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
async fn g12_a_row_in_another_place_is_no_session() {
    let site = sealed();
    let victim = confirmed_user(&site).await;
    let (_, stolen) = row(&site).await;
    let mut thief = site.serve(routes());
    thief.post("/cart/tea").await;
    let (key, own) = row(&site).await;
    overwrite(&site, &key, &stolen).await;
    for path in ["/me", "/confirmed", "/cart"] {
        let found = thief.get(path).await;
        assert!(!found.body.contains('7'), "{path}: {}", found.body);
        assert_ne!(found.body, "by password", "{path}");
        assert_ne!(found.body, "tea", "{path}");
    }
    overwrite(&site, &key, &own).await;
    assert_eq!(
        thief.get("/cart").await.body,
        "tea",
        "it is the row that counts"
    );
    assert_eq!(victim.clone().get("/me").await.body, "7");
}

/// An attacker restores an older state under the newer revision, or a part of the state.
#[tokio::test]
async fn g12_no_part_of_a_session_can_be_put_back_or_changed() {
    let site = sealed();
    let mut client = confirmed_user(&site).await;
    let (key, before) = row(&site).await;
    client.post("/views").await;
    let (_, after) = row(&site).await;
    assert_ne!(before.value, after.value);
    let mut put_back = after.clone();
    put_back.value = before.value.clone();
    overwrite(&site, &key, &put_back).await;
    assert_eq!(client.get("/me").await.body, "guest", "of another revision");
    for place in 0..after.value.len() {
        let mut bytes = after.value.to_vec();
        bytes[place] ^= 1;
        let mut changed = after.clone();
        changed.value = bytes.into();
        overwrite(&site, &key, &changed).await;
        assert_eq!(client.get("/me").await.body, "guest", "byte {place}");
    }
    overwrite(&site, &key, &after).await;
    assert_eq!(client.get("/me").await.body, "7");
}

/// A writer to the store can change the times beside the sealed record; the times in the record apply.
#[tokio::test]
async fn g12_a_writer_to_the_store_prolongs_neither_a_confirmation_nor_a_session() {
    let site = sealed();
    let mut client = confirmed_user(&site).await;
    let (key, mut prolonged) = row(&site).await;
    let forever = site.clock().now() + Duration::from_secs(365 * 24 * 3_600);
    prolonged.deadline = forever;
    prolonged.last_seen = forever;
    overwrite(&site, &key, &prolonged).await;
    site.wait_seconds(5 * 60);
    assert_eq!(client.get("/confirmed").await.body, "no");
    assert_eq!(client.get("/me").await.body, "7");
    site.wait_seconds(24 * 3_600);
    assert_eq!(client.get("/me").await.body, "guest");
}
