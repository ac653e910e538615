//! Requests that meet a session while its id changes, in a store that cannot change two keys at once.

use std::time::Duration;

use futures_util::FutureExt;
use starsessions::SessionLayerBuilder;
use starsessions::events::{self, EventKind, Events, SessionEvent};
use tokio::task::JoinHandle;

use super::*;

/// A site that renews ids after 15 minutes, and a user whose next request renews the id.
async fn renewing() -> (Site, Client) {
    renewing_with(|layer| layer).await
}

async fn renewing_with(
    set: impl FnOnce(SessionLayerBuilder) -> SessionLayerBuilder,
) -> (Site, Client) {
    let renewal = Duration::from_secs(900);
    let site = Site::over(by_parts(), Kept::OnServer, |layer| {
        set(layer.renewal(renewal))
    });
    let mut user = site.serve(routes(&Gate::new()));
    user.post("/join/ada").await;
    site.wait_seconds(1_000);
    (site, user)
}

/// The number of round trips after the load, as documented for a new id in a Redis Cluster.
#[tokio::test]
async fn g16_a_move_takes_four_operations() {
    let (site, mut user) = renewing().await;
    let _ = site.store.take_calls();
    assert!(user.post("/views").await.sets_cookie());
    let calls = site.store.take_calls();
    let others = calls.touches + calls.removes + calls.lists;
    let asked = (calls.loads, calls.inserts, calls.replaces, others);
    assert_eq!(asked, (1, 1, 3, 0));
}

#[tokio::test]
async fn g16_requests_at_once_find_a_session_that_is_about_to_move() {
    let steps = places(&[Operation::Insert, Operation::Replace]);
    let mut met = 0;
    for moving in &steps {
        for loads in 0..3 {
            for beside in &steps {
                let read = (Operation::Load, Moment::After, loads);
                met += u32::from(meet_in_line([*moving, read, *beside]).await);
            }
        }
    }
    assert!(met >= 48, "{met}");
}

/// The first request stops while it moves the session, the second one after a load, the third one while it moves the
/// session too; then all continue, the first one last. `false` if a request does not reach its place.
async fn meet_in_line(places: [Place; 3]) -> bool {
    let (site, user) = renewing().await;
    let mut stopped = Vec::new();
    for place in places {
        let request = user.ask(Method::POST, "/views");
        let Some(waiting) = site.store.stop_at(place, request).await else {
            return false;
        };
        stopped.push(waiting);
    }
    stopped.rotate_left(1);
    for (gate, request) in stopped {
        gate.open();
        let reply = request.await.unwrap();
        assert_eq!(reply.status, StatusCode::OK, "{places:?}");
        let mut browser = user.clone();
        browser.keep(&reply);
        assert_eq!(browser.get("/who").await.body, "ada", "{places:?}");
    }
    assert_eq!(user.clone().get("/views").await.body, "3", "{places:?}");
    assert_eq!(site.reserved(), 0, "{places:?}");
    true
}

/// The request that moves the session continues after the session has ended.
#[tokio::test]
async fn g16_what_ends_while_it_moves_stays_ended() {
    let mut met = 0;
    for place in places(&[Operation::Insert, Operation::Replace]) {
        for path in ["/views", "/login/8"] {
            for is_revoked in [false, true] {
                let (sender, mut told) = events::channel(20);
                let (site, mut user) = renewing_with(|layer| layer.on_event(sender)).await;
                let mut late = user.clone();
                let moving = late.ask(Method::POST, path);
                let Some((gate, moving)) = site.store.stop_at(place, moving).await else {
                    continue;
                };
                met += 1;
                if is_revoked {
                    let layer = site.sessions.layer();
                    layer.revoke_all::<Member>(&"ada".to_owned()).await.unwrap();
                } else {
                    user.get("/who").await;
                    user.post("/logout").await;
                }
                gate.open();
                late.keep(&moving.await.unwrap());
                let case = format!("{place:?} {path} {is_revoked}");
                assert_eq!(late.get("/who").await.body, "guest", "{case}");
                assert_eq!(late.get("/me").await.body, "guest", "{case}");
                assert_eq!((site.rows(), site.reserved()), (0, 0), "{case}");
                assert_eq!(ends(&mut told).len(), 1, "{case}");
            }
        }
    }
    assert!(met >= 32, "{met}");
}

/// One request has read the way before the revocation; it follows the way and then fails. The revocation may have
/// listed the session before the way existed.
#[tokio::test]
async fn g16_what_is_revoked_while_it_moves_stays_ended_if_a_request_stops_there() {
    for moment in [Moment::Before, Moment::After] {
        let (site, user) = renewing().await;
        let (mut late, layer) = (user.clone(), site.sessions.layer());
        let revoking = async move { layer.revoke_all::<Member>(&"ada".to_owned()).await };
        let revoking = site.store.stop_at((Operation::List, moment, 0), revoking);
        let (go_on, revoking) = revoking.await.expect("it lists the session");
        let [(gate, moving), (read, reading)] = half_way(&site, &user).await;
        go_on.open();
        assert_eq!(revoking.await.unwrap().unwrap(), 1, "{moment:?}");
        site.store.fail(Operation::Replace, Moment::After);
        read.open();
        let reply = reading.await.unwrap();
        assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
        site.store.recover();
        gate.open();
        late.keep(&moving.await.unwrap());
        assert_eq!(late.get("/who").await.body, "guest", "{moment:?}");
        assert_eq!((site.rows(), site.reserved()), (0, 0), "{moment:?}");
    }
}

/// A revocation that failed half-way, after it ended the way, can be repeated.
#[tokio::test]
async fn g16_a_revocation_that_failed_on_its_way_ends_the_session_at_the_second_try() {
    let (site, user) = renewing().await;
    let (gate, moving) = between_its_keys(&site, &user).await;
    let (go_on, revoking) = revoked_half_way(&site).await;
    site.store.fail(Operation::Load, Moment::Before);
    go_on.open();
    assert!(revoking.await.unwrap().is_err());
    site.store.recover();
    let layer = site.sessions.layer();
    let revoked = layer.revoke_all::<Member>(&"ada".to_owned()).await;
    assert_eq!(revoked.unwrap(), 1);
    gate.open();
    let mut late = user.clone();
    late.keep(&moving.await.unwrap());
    assert_eq!(late.get("/who").await.body, "guest");
    assert_eq!((site.rows(), site.reserved()), (0, 0));
}

/// A request that has read the way places the session's row after the way has ended, and then fails.
#[tokio::test]
async fn g16_a_move_that_an_end_overtakes_is_none() {
    let (site, user) = renewing().await;
    let [(gate, moving), (read, reading)] = half_way(&site, &user).await;
    let (go_on, revoking) = revoked_half_way(&site).await;
    site.store.fail(Operation::Replace, Moment::After);
    read.open();
    let reply = reading.await.unwrap();
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    site.store.recover();
    gate.open();
    let mut late = user.clone();
    late.keep(&moving.await.unwrap());
    assert_eq!(late.get("/who").await.body, "guest");
    go_on.open();
    assert_eq!(revoking.await.unwrap().unwrap(), 1);
    assert_eq!((site.rows(), site.reserved()), (0, 0));
}

/// The request that moves the session places its row after a revocation has ended the way.
#[tokio::test]
async fn g16_what_comes_to_the_new_id_behind_a_way_that_is_gone_does_not_stay() {
    let (sender, mut told) = events::channel(20);
    let (site, user) = renewing_with(|layer| layer.on_event(sender)).await;
    let (gate, moving) = between_its_keys(&site, &user).await;
    let (go_on, revoking) = revoked_half_way(&site).await;
    gate.open();
    moving.await.unwrap();
    assert_eq!((site.rows(), site.reserved()), (0, 1));
    go_on.open();
    assert_eq!(revoking.await.unwrap().unwrap(), 1);
    assert_eq!((site.rows(), site.reserved()), (0, 0));
    assert_eq!(ends(&mut told).len(), 1);
}

/// As before, and a request that had read the way fails when it would place the row again.
#[tokio::test]
async fn g16_a_row_that_was_taken_back_is_not_placed_again() {
    let (site, user) = renewing().await;
    let [(gate, moving), (read, reading)] = half_way(&site, &user).await;
    let (go_on, revoking) = revoked_half_way(&site).await;
    gate.open();
    moving.await.unwrap();
    site.store.fail(Operation::Replace, Moment::After);
    read.open();
    reading.await.unwrap();
    assert_eq!(site.rows(), 0);
    site.store.recover();
    go_on.open();
    assert_eq!(revoking.await.unwrap().unwrap(), 1);
    assert_eq!((site.rows(), site.reserved()), (0, 0));
}

/// The revocation is one second ahead of the request that moves the session; for that request, the revocation's mark
/// still exists.
#[tokio::test]
async fn g16_a_move_whose_clock_is_behind_the_end_is_none() {
    let (site, user) = renewing().await;
    let (gate, moving) = between_its_keys(&site, &user).await;
    site.wait_seconds(1);
    let layer = site.sessions.layer();
    let revoked = layer.revoke_all::<Member>(&"ada".to_owned()).await;
    assert_eq!(revoked.unwrap(), 1);
    gate.open();
    let reply = moving.await.unwrap();
    assert!(!reply.sets_cookie(), "{reply:?}");
    assert_eq!((site.rows(), site.reserved()), (0, 0));
}

/// A request that has read the way continues after another request has moved the session and the way has expired.
#[tokio::test]
async fn g16_a_request_that_is_late_on_the_way_takes_no_session_away() {
    let (site, mut user) = renewing().await;
    let [(gate, moving), (read, reading)] = half_way(&site, &user).await;
    gate.open();
    user.keep(&moving.await.unwrap());
    site.wait_seconds(30);
    free_what_has_expired(&site).await;
    read.open();
    reading.await.unwrap();
    assert_eq!(user.get("/who").await.body, "ada");
}

/// The server stops before it writes the way to the new id.
#[tokio::test]
async fn g16_a_place_that_was_reserved_in_vain_is_free_soon() {
    let (site, user) = renewing().await;
    let has_reserved = (Operation::Insert, Moment::After, 0);
    let moving = user.ask(Method::POST, "/views");
    let moving = site.store.stop_at(has_reserved, moving).await;
    assert!(moving.is_some(), "it reserves a place");
    for (seconds, reserved) in [(29, 1), (1, 0)] {
        site.wait_seconds(seconds);
        free_what_has_expired(&site).await;
        assert_eq!((site.rows(), site.reserved()), (1, reserved));
    }
}

async fn free_what_has_expired(site: &Site) {
    let store = site.store.store();
    let now = site.clock().now();
    while store.sweep(100, now).await.unwrap() == 100 {}
}

/// A sign-in as another user removes the session from the user's list; a renewal keeps it there.
#[tokio::test]
async fn g16_a_session_that_has_moved_takes_one_place_and_none_when_it_has_ended() {
    for (path, listed) in [("/views", 1), ("/join/bob", 0)] {
        let limited = |layer: SessionLayerBuilder| layer.sessions_per_user(1, AtLimit::Refuse);
        let (site, mut user) = renewing_with(limited).await;
        let mut other = site.serve(routes(&Gate::new()));
        assert!(user.post(path).await.sets_cookie());
        let layer = site.sessions.layer();
        let sessions = layer.list::<Member>(&"ada".to_owned()).await.unwrap();
        assert_eq!(sessions.len(), listed, "{path}");
        user.post("/logout").await;
        let status = other.post("/join/ada").await.status;
        assert_eq!(status, StatusCode::OK, "{path}");
    }
}

/// The request ends its session and signs in as another user; its server stops half-way.
#[tokio::test]
async fn g16_a_revocation_ends_also_what_begins_in_the_place_of_the_session() {
    for passed in 0..2 {
        let (sender, mut told) = events::channel(20);
        let (site, user) = renewing_with(|layer| layer.on_event(sender)).await;
        let is_between = (Operation::Replace, Moment::After, passed);
        let leaving = user.ask(Method::POST, "/anew/7");
        let leaving = site.store.stop_at(is_between, leaving).await;
        assert!(leaving.is_some(), "it moves the session");
        let layer = site.sessions.layer();
        let revoked = layer.revoke_all::<Member>(&"ada".to_owned()).await;
        assert_eq!(revoked.unwrap(), 1, "{passed}");
        assert_eq!((site.rows(), site.reserved()), (0, 0), "{passed}");
        assert_eq!(ends(&mut told).len(), 1, "{passed}");
    }
}

/// The revocation has listed the session before another begins in its place, and then finds the way to the new one.
#[tokio::test]
async fn g16_a_session_that_has_begun_anew_is_not_told_to_have_ended_again() {
    let (sender, mut told) = events::channel(20);
    let (site, mut user) = renewing_with(|layer| layer.on_event(sender)).await;
    let layer = site.sessions.layer();
    let revoking = async move { layer.revoke_all::<Member>(&"ada".to_owned()).await };
    let has_listed = (Operation::List, Moment::After, 0);
    let revoking = site.store.stop_at(has_listed, revoking).await;
    let (gate, revoking) = revoking.expect("it lists the session");
    user.post("/anew/7").await;
    gate.open();
    revoking.await.unwrap().unwrap();
    assert_eq!(ends(&mut told).len(), 1);
    assert_eq!(user.get("/me").await.body, "7");
}

/// The server that moves the session stops before it has sent an event with the new id.
#[tokio::test]
async fn g16_the_end_of_a_session_that_moves_is_told_of_the_id_that_was_told() {
    for passed in 0..2 {
        let (sender, mut told) = events::channel(20);
        let (site, mut user) = renewing_with(|layer| layer.on_event(sender)).await;
        let begun = told.recv().now_or_never().flatten().expect("it has begun");
        let is_between = (Operation::Replace, Moment::After, passed);
        let moving = user.ask(Method::POST, "/login/8");
        let moving = site.store.stop_at(is_between, moving).await;
        assert!(moving.is_some(), "it moves the session");
        user.post("/logout").await;
        let [end] = &ends(&mut told)[..] else {
            panic!("one end is told");
        };
        assert_eq!(end.session, begun.session, "{passed}");
        assert_eq!(end.user::<Member>(), Some("ada".to_owned()), "{passed}");
    }
}

fn ends(told: &mut Events) -> Vec<SessionEvent> {
    let told = std::iter::from_fn(|| told.recv().now_or_never().flatten());
    let is_end = |event: &SessionEvent| matches!(event.kind, EventKind::Ended { .. });
    told.filter(is_end).collect()
}

type Waiting = (Gate, JoinHandle<Reply>);

/// A request that has written the way of its session, and a request that has read it.
async fn half_way(site: &Site, user: &Client) -> [Waiting; 2] {
    let moving = between_its_keys(site, user).await;
    let has_read = (Operation::Load, Moment::After, 0);
    let reading = site.store.stop_at(has_read, user.ask(Method::GET, "/who"));
    [moving, reading.await.expect("it reads the way")]
}

/// A request that has written the way of its session, but not yet the row of the new id.
async fn between_its_keys(site: &Site, user: &Client) -> Waiting {
    let has_moved = (Operation::Replace, Moment::After, 0);
    let moving = user.ask(Method::POST, "/views");
    let moving = site.store.stop_at(has_moved, moving).await;
    moving.expect("it moves the session")
}

/// A revocation that has ended the way, but has not reached the new id.
async fn revoked_half_way(site: &Site) -> (Gate, JoinHandle<Result<usize, SessionError>>) {
    let layer = site.sessions.layer();
    let revoking = async move { layer.revoke_all::<Member>(&"ada".to_owned()).await };
    let way_has_ended = (Operation::Replace, Moment::After, 0);
    let revoking = site.store.stop_at(way_has_ended, revoking).await;
    revoking.expect("it ends the way")
}

/// A request that has read the session, and then ends it and signs in as another user.
async fn about_to_leave(site: &Site, user: &Client) -> Waiting {
    let has_read = (Operation::Load, Moment::After, 0);
    let leaving = user.ask(Method::POST, "/anew/7");
    let leaving = site.store.stop_at(has_read, leaving).await;
    leaving.expect("it reads the session")
}

/// Asserts that the moved session has ended and that the other user's session is the only one.
async fn has_only_the_other_user(site: &Site, user: &mut Client, late: &mut Client, place: Place) {
    assert_eq!(late.get("/who").await.body, "guest", "{place:?}");
    assert_eq!(late.get("/me").await.body, "guest", "{place:?}");
    assert_eq!(user.get("/me").await.body, "7", "{place:?}");
    assert_eq!((site.rows(), site.reserved()), (1, 0), "{place:?}");
}

/// A request that has read the session before it moved ends it and signs in as another user.
#[tokio::test]
async fn g16_an_end_that_begins_anew_ends_a_session_that_moves() {
    let mut met = 0;
    for place in places(&[Operation::Insert, Operation::Replace]) {
        let (site, mut user) = renewing().await;
        let mut late = user.clone();
        let (go_on, leaving) = about_to_leave(&site, &user).await;
        let moving = late.ask(Method::POST, "/login/8");
        let Some((gate, moving)) = site.store.stop_at(place, moving).await else {
            continue;
        };
        met += 1;
        go_on.open();
        user.keep(&leaving.await.unwrap());
        gate.open();
        late.keep(&moving.await.unwrap());
        has_only_the_other_user(&site, &mut user, &mut late, place).await;
    }
    assert!(met >= 8, "{met}");
}

/// The request that moves the session writes once more after another request has ended the session.
#[tokio::test]
async fn g16_what_ends_while_it_moves_takes_no_later_write() {
    let mut met = 0;
    for place in places(&[Operation::Replace]) {
        let (site, mut user) = renewing().await;
        let mut late = user.clone();
        let (go_on, leaving) = about_to_leave(&site, &user).await;
        let has_moved = (Operation::Replace, Moment::After, 0);
        let moving = late.ask(Method::POST, "/login-and-view/8");
        let moving = site.store.stop_at(has_moved, moving).await;
        let (gate, moving) = moving.expect("it moves the session");
        let leaving = async move {
            go_on.open();
            leaving.await.unwrap()
        };
        let Some((go_on, leaving)) = site.store.stop_at(place, leaving).await else {
            continue;
        };
        met += 1;
        gate.open();
        late.keep(&moving.await.unwrap());
        go_on.open();
        user.keep(&leaving.await.unwrap());
        has_only_the_other_user(&site, &mut user, &mut late, place).await;
    }
    assert!(met >= 8, "{met}");
}

/// A concurrent write has completed the move, and a revocation has ended the session under its new id.
#[tokio::test]
async fn g16_a_sign_in_whose_session_has_ended_behind_it_is_not_answered_as_done() {
    let (site, user) = renewing().await;
    let has_read = (Operation::Load, Moment::After, 0);
    let writing = site
        .store
        .stop_at(has_read, user.ask(Method::POST, "/views"));
    let (go_on, writing) = writing.await.expect("it reads the session");
    let has_moved = (Operation::Replace, Moment::After, 0);
    let moving = site
        .store
        .stop_at(has_moved, user.ask(Method::POST, "/login/8"));
    let (gate, moving) = moving.await.expect("it moves the session");
    go_on.open();
    assert_eq!(writing.await.unwrap().status, StatusCode::OK);
    let layer = site.sessions.layer();
    let ended = layer.revoke_all::<Member>(&"ada".to_owned()).await.unwrap();
    assert_eq!(ended, 1);
    gate.open();
    let reply = moving.await.unwrap();
    assert_eq!(reply.status, StatusCode::CONFLICT);
    assert!(!reply.sets_cookie(), "{reply:?}");
}
