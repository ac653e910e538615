//! G10: old and new binaries serve the same sessions.

use axum::Router;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use starsessions::Session;
use starsessions::store::{Replaced, RowKey, Store};
use starsessions::testing::{stored_fields, with_stored_field};
use starsessions_tests::client::Client;
use starsessions_tests::logs::Logs;
use starsessions_tests::routing::{MethodRouter, get, post};
use starsessions_tests::site::Site;

#[derive(Session)]
#[session(namespace = "shop")]
struct Old {
    cart: Vec<String>,
    address: Option<OldAddress>,
}

#[derive(Serialize, Deserialize)]
struct OldAddress {
    street: String,
    town: String,
}

#[derive(Session)]
#[session(namespace = "shop")]
struct New {
    cart: Vec<String>,
    address: Option<NewAddress>,
    points: u32,
}

/// Bincode alone would decode the bytes of `OldAddress` as this type.
#[derive(Serialize, Deserialize)]
struct NewAddress {
    town: String,
    street: String,
}

async fn write_old(mut shop: Session<Old>) {
    shop.cart.push("tea".to_owned());
    shop.address = Some(OldAddress {
        street: "Milk Lane".to_owned(),
        town: "Bath".to_owned(),
    });
}

async fn read_new(shop: Session<New>) -> String {
    let town = shop.address.as_ref().map(|address| &address.town);
    format!("{:?} {town:?} {}", shop.cart, shop.points)
}

fn serve(site: &Site, handler: MethodRouter) -> Client {
    site.serve(Router::new().route("/", handler))
}

#[tokio::test]
async fn g10_a_value_whose_type_has_changed_is_recognised_and_the_others_survive() {
    let site = Site::new();
    let mut old = serve(&site, post(write_old));
    old.post("/").await;
    let reply = old.at(&serve(&site, get(read_new))).get("/").await;
    assert_eq!(
        (reply.status, reply.body.as_str()),
        (StatusCode::OK, r#"["tea"] None 0"#)
    );
}

#[tokio::test]
async fn g10_what_does_not_decode_is_one_line_in_the_log_however_often_it_is_read() {
    let site = Site::new();
    let mut old = serve(&site, post(write_old));
    old.post("/").await;
    let mut new = old.at(&serve(&site, get(read_new)));
    let logs = Logs::capture();
    for _ in 0..5 {
        new.get("/").await;
    }
    assert_eq!(
        logs.with(&["WARN", "shop.address"]).len(),
        1,
        "{}",
        logs.text()
    );
    assert!(!logs.text().contains("Milk Lane"), "{}", logs.text());
}

/// Stores a field of a future version in the only session.
async fn plant(site: &Site, key: &RowKey, name: &'static str, value: &'static [u8]) {
    let now = starsessions::config::Clock::now(site.clock());
    let store = site.store.store();
    let seen = store.load(key, now).await.unwrap().unwrap();
    let row = with_stored_field(&seen, name, value).unwrap();
    let replaced = store.replace(key, &seen, &row, now).await.unwrap();
    assert_eq!(replaced, Replaced::Replaced);
}

async fn value(site: &Site, key: &RowKey, name: &str) -> Option<Vec<u8>> {
    let now = starsessions::config::Clock::now(site.clock());
    let row = site.store.store().load(key, now).await.unwrap()?;
    let mut fields = stored_fields(&row)?.into_iter();
    Some(fields.find(|field| field.name == name)?.value)
}

#[tokio::test]
async fn g10_an_unknown_field_is_kept_byte_by_byte() {
    const FUTURE: &[u8] = b"\xFF\x00 whatever a later version writes \x80";
    let site = Site::new();
    let mut client = serve(&site, post(write_old));
    client.post("/").await;
    let key = site.store.keys()[0];
    plant(&site, &key, "shop.future", FUTURE).await;
    client.post("/").await;
    let kept = value(&site, &key, "shop.future").await;
    assert_eq!(kept.as_deref(), Some(FUTURE));
}

#[tokio::test]
async fn g10_hostile_bytes_in_a_field_are_absence_and_not_an_error() {
    for bytes in [
        &b""[..],
        b"\xFF",
        &[0xFF; 64],
        b"\x01\x02\x03\x04\x05\x06\x07\x08\x09",
    ] {
        let site = Site::new();
        let mut client = serve(&site, post(write_old));
        client.post("/").await;
        let key = site.store.keys()[0];
        plant(&site, &key, "shop.points", bytes).await;
        let reply = client.at(&serve(&site, get(read_new))).get("/").await;
        assert_eq!(
            (reply.status, reply.body.as_str()),
            (StatusCode::OK, r#"["tea"] None 0"#)
        );
    }
}

#[derive(Session)]
struct Fragile {
    settings: Settings,
}

/// A positional format cannot omit a field.
#[derive(Default, Serialize, Deserialize)]
struct Settings {
    #[serde(skip_serializing_if = "Option::is_none")]
    theme: Option<String>,
    columns: u8,
}

#[tokio::test]
async fn g10_a_type_that_does_not_survive_its_codec_is_an_error_with_the_cure_at_the_first_write() {
    let site = Site::new();
    let logs = Logs::capture();
    let write = post(async |mut fragile: Session<Fragile>| fragile.settings.columns = 3);
    let reply = serve(&site, write).post("/").await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(site.rows(), 0);
    let lines = logs.with(&["ERROR", "fragile.settings", "codec = json"]);
    assert_eq!(lines.len(), 1, "{}", logs.text());
}
