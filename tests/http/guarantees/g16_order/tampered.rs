//! Tampered ways: a store that returns changed rows.

use std::time::Duration;

use starsessions::store::{Row, RowKey};

use super::*;

/// A session whose id was just renewed, the user's browser, a tab that still has the former id, and both keys.
async fn renewed() -> (Site, Client, Client, [RowKey; 2]) {
    let store = Spy::new(MemoryStore::new()).sealed();
    let site = Site::over(store, Kept::OnServer, |layer| layer.renewal(RENEWAL));
    let mut user = site.serve(routes(&Gate::new()));
    user.post("/join/ada").await;
    site.wait(RENEWAL);
    let former = user.clone();
    assert!(user.post("/views").await.sets_cookie());
    let keys = site.store.keys();
    (site, user, former, keys.try_into().expect("two ids"))
}

async fn load(site: &Site, key: &RowKey) -> Row {
    let row = site.store.store().load(key, site.clock().now()).await;
    row.unwrap().expect("it is there")
}

/// Changes the row under a key in the store itself.
async fn tamper(site: &Site, key: &RowKey, change: impl FnOnce(&mut Row)) {
    let seen = load(site, key).await;
    let mut row = seen.clone();
    change(&mut row);
    let store = site.store.store();
    store
        .replace(key, &seen, &row, site.clock().now())
        .await
        .unwrap();
}

/// A row as a way carries it, but without the seal.
fn planted(revision: u64) -> Vec<u8> {
    let (format, end, seen) = (1_u8, 1_u64 << 39, 1_700_000_000_u64);
    let mut row = vec![format];
    row.extend([revision, end, seen].map(u64::to_be_bytes).as_flattened());
    row.extend(b"\0value");
    row
}

fn behind(value: &[u8], more: &[u8]) -> std::sync::Arc<[u8]> {
    [value, more].concat().into()
}

#[tokio::test]
async fn g16_a_row_that_was_planted_behind_a_way_takes_the_place_of_no_session() {
    let (site, mut user, mut former, [old, new]) = renewed().await;
    let session = load(&site, &new).await;
    let row = planted(session.revision + 1);
    tamper(&site, &old, |way| way.value = behind(&way.value, &row)).await;
    assert_eq!(former.get("/who").await.body, "ada");
    assert_eq!(load(&site, &new).await, session);
    assert_eq!(user.get("/who").await.body, "ada");
}

#[tokio::test]
async fn g16_a_way_that_was_prolonged_ends_when_it_would_have() {
    let (site, _, mut former, [old, _]) = renewed().await;
    let hour = Duration::from_secs(3_600);
    tamper(&site, &old, |way| way.deadline = way.deadline + hour).await;
    assert_eq!(former.clone().get("/who").await.body, "ada");
    site.wait_seconds(30);
    assert_eq!(former.get("/who").await.body, "guest");
}

#[tokio::test]
async fn g16_a_row_that_has_ended_and_is_still_shown_leads_nowhere() {
    let (site, _, mut former, [old, _]) = renewed().await;
    tamper(&site, &old, |way| way.deadline = site.clock().now()).await;
    assert_eq!(former.get("/who").await.body, "guest");
}

/// Changes the way while the session is between its two keys; then another request follows the way.
async fn tampered_between(change: impl FnOnce(&mut Row)) {
    let site = Site::over(by_parts(), Kept::OnServer, |layer| layer.renewal(RENEWAL));
    let mut user = site.serve(routes(&Gate::new()));
    user.post("/join/ada").await;
    site.wait(RENEWAL);
    let between = (Operation::Replace, Moment::After, 0);
    let moving = user.ask(Method::POST, "/views");
    let (gate, moving) = site.store.stop_at(between, moving).await.unwrap();
    tamper(&site, &site.store.keys()[0], change).await;
    user.clone().get("/who").await;
    gate.open();
    user.keep(&moving.await.unwrap());
    assert_eq!(user.get("/who").await.body, "ada");
}

#[tokio::test]
async fn g16_a_copy_that_is_broken_on_its_way_loses_nothing() {
    let break_it = |way: &mut Row| {
        let mut value = way.value.to_vec();
        *value.last_mut().unwrap() ^= 1;
        way.value = value.into();
    };
    tampered_between(break_it).await;
}

#[tokio::test]
async fn g16_a_way_with_the_last_revision_is_no_panic() {
    tampered_between(|way| way.revision = u64::MAX).await;
}

const RENEWAL: Duration = Duration::from_secs(900);
