//! The events that a layer sends to the application.

use axum::Router;
use axum::extract::Path;
use futures_util::{FutureExt, StreamExt};
use http::Method;
use starsessions::config::{AtLimit, Clock};
use starsessions::events::{
    self, EndCause, EventKind, Events, Fingerprint, Refusal, RenewalReason, SessionEvent,
};
use starsessions::{CurrentSession, MemoryStore, Session, SessionError};
use starsessions_tests::client::Client;
use starsessions_tests::device::Device;
use starsessions_tests::routing::{get, post};
use starsessions_tests::shop;
use starsessions_tests::site::{Kept, Site};
use starsessions_tests::spy::{Moment, Operation, Spy};

#[derive(Session)]
#[session(namespace = "account")]
struct Login {
    #[session(required, rotate, index)]
    user: String,
    #[session(required)]
    step: u8,
}

/// The field that identifies the user (`rotate`) is not the one by which sessions are found (`index`).
#[derive(Session)]
struct Account {
    #[session(required, rotate)]
    key: u32,
    #[session(required, index)]
    number: u64,
}

async fn enter(
    session: CurrentSession,
    Path((number, key)): Path<(u64, u32)>,
) -> Result<(), SessionError> {
    session.insert(Account { key, number })
}

async fn sign_in(
    session: CurrentSession,
    Path((user, label)): Path<(String, String)>,
) -> Result<(), SessionError> {
    session.set_label(label)?;
    session.insert(Login { user, step: 1 })
}

async fn again(session: CurrentSession) -> Result<(), SessionError> {
    session.destroy()?;
    let user = "eve".to_owned();
    session.insert(Login { user, step: 1 })
}

async fn end_others(session: CurrentSession) -> Result<String, SessionError> {
    Ok(session.revoke_others::<Login>().await?.to_string())
}

async fn fingerprint(session: CurrentSession) -> Result<String, SessionError> {
    let name = session.fingerprint().await?;
    Ok(name.map(|name| name.to_string()).unwrap_or_default())
}

async fn fingerprint_of_view(login: Session<Login>) -> String {
    let name = login.fingerprint();
    name.map(|name| name.to_string()).unwrap_or_default()
}

fn routes() -> Router {
    shop::with_logout()
        .route("/in/{user}/{label}", post(sign_in))
        .route("/enter/{number}/{key}", post(enter))
        .route(
            "/key",
            post(async |mut account: Session<Account>| account.key += 1),
        )
        .route("/again", post(again))
        .route("/others", post(end_others))
        .route("/name", get(fingerprint))
        .route("/name-of-view", get(fingerprint_of_view))
}

fn site(kept: Kept) -> (Site, Client, Events) {
    let (sender, events) = events::channel(100);
    let store = Spy::new(MemoryStore::new());
    let site = Site::over(store, kept, |layer| layer.on_event(sender));
    let client = site.serve(routes());
    (site, client, events)
}

/// The events so far.
fn told(events: &mut Events) -> Vec<SessionEvent> {
    std::iter::from_fn(|| events.recv().now_or_never().flatten()).collect()
}

fn kinds(told: &[SessionEvent]) -> Vec<EventKind> {
    told.iter().map(|event| event.kind.clone()).collect()
}

fn renewed(previous: Fingerprint) -> EventKind {
    let reason = RenewalReason::Privilege;
    EventKind::Renewed { previous, reason }
}

const LOGOUT: EventKind = EventKind::Ended {
    cause: EndCause::Logout,
};

#[tokio::test]
async fn a_sign_in_is_told_by_the_field_that_sessions_are_found_by() {
    for kept in Kept::REVOCABLY {
        let (_site, mut client, mut events) = site(kept);
        client.post("/cart/tea").await;
        told(&mut events);
        for (path, signs_in) in [
            ("/enter/7/1", true),
            ("/enter/7/2", false),
            ("/key", false),
            ("/enter/8/4", true),
        ] {
            client.post(path).await;
            let kinds = kinds(&told(&mut events));
            let is_told = kinds.contains(&EventKind::SignedIn);
            assert_eq!(is_told, signs_in, "{kept:?} {path} {kinds:?}");
        }
    }
}

#[tokio::test]
async fn a_visit_is_told_once_and_in_order() {
    for kept in Kept::REVOCABLY {
        let (site, mut client, mut events) = site(kept);
        client.get("/cart").await;
        assert!(told(&mut events).is_empty(), "a guest who only reads");

        client.post("/cart/tea").await;
        let begun = told(&mut events);
        assert_eq!(kinds(&begun), [EventKind::Begun], "{kept:?}");
        let guest = begun[0].session.unwrap();
        assert_eq!(begun[0].user::<Login>(), None);

        client.post("/views").await;
        assert!(told(&mut events).is_empty(), "a change is no event");

        site.wait_seconds(5);
        client.post("/in/ann/laptop").await;
        let signed_in = told(&mut events);
        let expected = [renewed(guest), EventKind::SignedIn];
        assert_eq!(kinds(&signed_in), expected, "{kept:?}");
        let [renewal, sign_in] = &signed_in[..] else {
            unreachable!()
        };
        assert_eq!(sign_in.at, site.clock().now());
        assert_eq!(&*sign_in.realm, "");
        assert_eq!(sign_in.user::<Login>().as_deref(), Some("ann"));
        assert_eq!(sign_in.label(), Some("laptop"));
        assert_eq!(sign_in.session, renewal.session);
        let user = sign_in.session.unwrap();
        assert_ne!(user, guest);
        for path in ["/name", "/name-of-view"] {
            assert_eq!(client.get(path).await.body, user.to_string());
        }

        client.post("/in/ann/laptop").await;
        let renewal = told(&mut events);
        assert_eq!(kinds(&renewal), [renewed(user)], "the same user again");
        let user = renewal[0].session.unwrap();

        client.post("/again").await;
        let anew = told(&mut events);
        let expected = [LOGOUT, EventKind::Begun, EventKind::SignedIn];
        assert_eq!(kinds(&anew), expected, "{kept:?}");
        assert_eq!(anew[0].session, Some(user));
        assert_eq!(anew[0].user::<Login>().as_deref(), Some("ann"));
        assert_eq!(anew[2].user::<Login>().as_deref(), Some("eve"));

        let mut copy = client.clone();
        client.post("/logout").await;
        let ended = told(&mut events);
        assert_eq!(kinds(&ended), [LOGOUT], "{kept:?}");
        assert_eq!(ended[0].session, anew[2].session);
        assert_eq!(ended[0].user::<Login>().as_deref(), Some("eve"));

        copy.get("/me").await;
        let refused = told(&mut events);
        let reason = match kept {
            Kept::OnServer => Refusal::Unknown,
            _ => Refusal::Revoked,
        };
        assert_eq!(kinds(&refused), [EventKind::Refused { reason }]);
        assert_eq!(refused[0].session, ended[0].session);
        assert_eq!(client.get("/name").await.body, "");
    }
}

#[tokio::test]
async fn what_others_end_is_told_with_its_user_and_device() {
    let (_site, mut phone, mut events) = site(Kept::OnServer);
    let mut laptop = phone.clone();
    phone.post("/in/ann/phone").await;
    laptop.post("/in/ann/laptop").await;
    let phone_is = told(&mut events)[0].session;
    assert_eq!(laptop.post("/others").await.body, "1");
    let ended = told(&mut events);
    let cause = EndCause::Revoked;
    assert_eq!(kinds(&ended), [EventKind::Ended { cause }]);
    assert_eq!(ended[0].session, phone_is);
    assert_eq!(ended[0].user::<Login>().as_deref(), Some("ann"));
    assert_eq!(ended[0].label(), Some("phone"));
}

#[tokio::test]
async fn a_session_that_makes_room_is_told_as_such() {
    let (sender, mut events) = events::channel(100);
    let site = Site::with(|layer| {
        let layer = layer.sessions_per_user(1, AtLimit::EndOldest);
        layer.on_event(sender)
    });
    let mut phone = site.serve(routes());
    let mut laptop = phone.clone();
    phone.post("/in/ann/phone").await;
    told(&mut events);
    laptop.post("/in/ann/laptop").await;
    let cause = EndCause::Limit;
    let expected = [
        EventKind::Begun,
        EventKind::SignedIn,
        EventKind::Ended { cause },
    ];
    let told = told(&mut events);
    assert_eq!(kinds(&told), expected);
    assert_eq!(told[2].label(), Some("phone"));
}

/// Of two concurrent logouts and a late write, only one emits the event.
#[tokio::test]
async fn an_end_is_told_once() {
    let (site, mut client, mut events) = site(Kept::OnServer);
    client.post("/in/ann/laptop").await;
    told(&mut events);
    let gate = site.store.hold(Operation::Remove, Moment::Before);
    let first = tokio::spawn(client.ask(Method::POST, "/logout"));
    gate.reached().await;
    site.store.release();
    client.ask(Method::POST, "/logout").await;
    gate.open();
    first.await.unwrap();
    client.ask(Method::POST, "/logout").await;
    let ended: Vec<_> = kinds(&told(&mut events))
        .into_iter()
        .filter(|kind| matches!(kind, EventKind::Ended { .. }))
        .collect();
    assert_eq!(ended, [LOGOUT]);
}

#[tokio::test]
async fn what_is_not_stored_is_not_told() {
    for kept in Kept::REVOCABLY {
        let (site, mut client, mut events) = site(kept);
        client.post("/in/ann/laptop").await;
        told(&mut events);
        for write in [Operation::Insert, Operation::Rotate, Operation::Remove] {
            site.store.fail(write, Moment::Before);
        }
        for path in ["/in/eve/phone", "/again", "/logout"] {
            assert_eq!(client.post(path).await.status, 503, "{path} {kept:?}");
        }
        assert!(told(&mut events).is_empty(), "{kept:?}");
    }
}

/// The layer waits neither for a receiver that has stopped reading nor for one that was dropped.
#[tokio::test]
async fn a_full_queue_loses_events_and_no_requests() {
    let (sender, mut events) = events::channel(4);
    let site = Site::with(|layer| layer.on_event(sender));
    let client = site.serve(routes());
    for _ in 0..10 {
        let mut guest = client.clone();
        assert_eq!(guest.post("/cart/tea").await.status, 200);
        guest.post("/logout").await;
    }
    assert_eq!(events.lost(), 18, "guests have half of the places");
    let mut user = client.clone();
    user.post("/cart/tea").await;
    assert_eq!(user.post("/in/ann/laptop").await.status, 200);
    user.post("/logout").await;
    assert_eq!(events.lost(), 20);
    let kinds = kinds(&told(&mut events));
    assert!(kinds.contains(&EventKind::SignedIn), "{kinds:?}");
    drop(events);
    assert_eq!(user.post("/in/ann/laptop").await.status, 200);
}

#[tokio::test]
async fn the_events_end_with_the_layer() {
    let (site, mut client, events) = site(Kept::OnServer);
    client.post("/cart/tea").await;
    drop((site, client));
    let rest: Vec<_> = events.collect().await;
    assert_eq!(kinds(&rest), [EventKind::Begun]);
}

#[tokio::test]
async fn a_binding_and_a_copied_cookie_are_told() {
    let (sender, mut events) = events::channel(100);
    let site = Site::with(|layer| layer.device_bound(|device| device).on_event(sender));
    let mut client = site.serve(routes());
    let invited = client.post("/in/ann/laptop").await;
    told(&mut events);
    client.bind(&Device::new(1), &invited).await;
    let bound = told(&mut events);
    assert_eq!(kinds(&bound), [EventKind::Bound]);
    assert_eq!(bound[0].user::<Login>().as_deref(), Some("ann"));
    site.wait_seconds(600);
    client.get("/me").await;
    let refused = told(&mut events);
    let reason = Refusal::Unproven;
    assert_eq!(kinds(&refused), [EventKind::Refused { reason }]);
    assert_eq!(refused[0].session, bound[0].session);
}

#[tokio::test]
async fn an_event_shows_no_user() {
    let (_site, mut client, mut events) = site(Kept::OnServer);
    client.post("/in/ann/laptop").await;
    let shown = format!("{:?}", told(&mut events));
    assert!(shown.contains("SignedIn"), "{shown}");
    assert!(
        !shown.contains("ann") && !shown.contains("laptop"),
        "{shown}"
    );
}
