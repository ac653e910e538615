//! Rows in the store that are not sessions.

use super::*;

#[tokio::test]
async fn g16_a_session_that_is_none_cannot_be_detached_and_is_no_failure() {
    let site = Site::new();
    let logs = Logs::capture();
    let mut guest = site.serve(routes(&Gate::new()));
    assert_eq!(guest.post("/detach").await.status, StatusCode::UNAUTHORIZED);
    let (_, mut former) = behind(&site).await;
    assert_eq!(former.post("/detach").await.status, StatusCode::CONFLICT);
    assert_eq!(logs.with(&["ERROR"]), [""; 0]);
}

#[tokio::test]
async fn g16_what_is_no_session_in_the_store_is_a_guests_until_a_logout_removes_it() {
    let store = by_parts();
    let site = Site::on(store.clone());
    let mut user = site.serve(routes(&Gate::new()));
    user.post("/login/7").await;
    let corrupt = || StoreError::Corrupt("not a row".into());
    store.fail_with(Operation::Load, Moment::Before, corrupt);
    let logs = Logs::capture();
    let reply = user.get("/me").await;
    assert_eq!((reply.status, &*reply.body), (StatusCode::OK, "guest"));
    assert_eq!(logs.with(&["ERROR"]).len(), 1);
    let _ = store.take_calls();
    user.post("/logout").await;
    assert_eq!(store.take_calls().removes, 1, "it was removed");
}

#[tokio::test]
async fn g16_a_row_that_was_overwritten_is_said_once_and_goes_with_a_logout() {
    let store = by_parts();
    let site = Site::on(store.clone());
    let mut user = site.serve(routes(&Gate::new()));
    user.post("/login/7").await;
    let mut other = user.clone();
    store.overwrite(true);
    let logs = Logs::capture();
    for _ in 0..2 {
        let reply = user.get("/me").await;
        assert_eq!((reply.status, &*reply.body), (StatusCode::OK, "guest"));
    }
    assert_eq!(logs.with(&["ERROR", "plain_values"]).len(), 1);
    assert_eq!(logs.with(&["ERROR"]).len(), 1, "{}", logs.text());
    user.post("/logout").await;
    store.overwrite(false);
    assert_eq!(other.get("/me").await.body, "guest", "it was removed");
}

/// A session that begins anew leaves a mark; a node whose clock is behind still sees the mark.
#[tokio::test]
async fn g16_what_has_ended_is_no_error() {
    let site = Site::new();
    let other = site.restarted(|layer| layer);
    let now = site.clock().now().as_unix_seconds();
    other.clock().set(now - 5);
    let mut ahead = site.serve(routes(&Gate::new()));
    ahead.post("/cart/tea").await;
    let cookie = ahead.cookies().unwrap();
    ahead.post("/farewell").await;
    let logs = Logs::capture();
    let mut behind = other.serve(routes(&Gate::new())).showing(cookie);
    assert_eq!(behind.get("/me").await.body, "guest");
    assert_eq!(logs.with(&["ERROR"]), [""; 0]);
}

/// The request on the node whose clock is behind has loaded the session before it ended.
#[tokio::test]
async fn g16_what_has_ended_takes_no_late_write_where_the_clock_is_behind() {
    let site = Site::new();
    let other = site.restarted(|layer| layer);
    let now = site.clock().now().as_unix_seconds();
    other.clock().set(now - 5);
    let gate = Gate::new();
    let mut ahead = site.serve(routes(&gate));
    ahead.post("/cart/tea").await;
    let cookie = ahead.cookies().unwrap();
    let mut behind = other.serve(routes(&gate)).showing(cookie);
    let slow = tokio::spawn(behind.ask(Method::POST, "/slow/cart"));
    gate.reached().await;
    ahead.post("/farewell").await;
    gate.open();
    slow.await.unwrap();
    assert_eq!(behind.get("/cart").await.body, "");
}

#[tokio::test]
async fn g16_what_a_sign_in_has_left_counts_as_used_when_the_session_was() {
    let site = Site::new();
    let (_user, _former) = behind(&site).await;
    let counts = site.store.store().count(site.clock().now());
    assert_eq!((counts.live, counts.used_within_hour), (2, 2));
}
