//! 14. Log out everywhere.

use crate::routing::{get, post};
use axum::extract::Path;
use axum::{Json, Router};
use http::{Method, StatusCode};
use starsessions::keys::Key;
use starsessions::session::{ListedSession, PublicSessionId};
use starsessions::store::Store;
use starsessions::{CurrentSession, KeyRing, Session, SessionError};

use crate::client::Client;
use crate::gate::Gate;
use crate::site::Site;

/// The owner of a session.
#[derive(Debug, Session)]
struct Account {
    #[session(required, rotate, index)]
    user: String,
    pages: u32,
}

fn routes(gate: &Gate) -> Router {
    let (held, also_held) = (gate.clone(), gate.clone());
    let slow = async move |mut account: Session<Account>| {
        held.pass().await;
        account.pages += 1;
    };
    let slow_rotation = async move |session: CurrentSession| {
        session.info().await?;
        also_held.pass().await;
        session.rotate()
    };
    Router::new()
        .route("/sign-in/{user}", post(sign_in))
        .route("/me", get(me))
        .route("/devices", get(devices))
        .route("/revoke/{handle}", post(revoke))
        .route("/revoke-others", post(revoke_others))
        .route("/slow", post(slow))
        .route("/slow-rotation", post(slow_rotation))
}

async fn sign_in(session: CurrentSession, Path(user): Path<String>) -> Result<(), SessionError> {
    session.insert(Account { user, pages: 0 })
}

async fn me(account: Option<Session<Account>>) -> String {
    account.map_or("guest".to_owned(), |account| account.user.clone())
}

/// The handle of each session; a star marks the current session.
async fn devices(session: CurrentSession) -> Result<Json<Vec<String>>, SessionError> {
    let show = |session: &ListedSession| {
        let star = if session.is_current { "*" } else { "" };
        assert!(session.created_at <= session.last_seen_at);
        assert!(session.last_seen_at < session.expires_at);
        format!("{star}{}", session.id)
    };
    let list = session.list::<Account>().await?;
    Ok(Json(list.iter().map(show).collect()))
}

async fn revoke(
    session: CurrentSession,
    Path(handle): Path<String>,
) -> Result<String, SessionError> {
    let handle: PublicSessionId = handle.parse().expect("the test has it from a list");
    Ok(session.revoke::<Account>(handle).await?.to_string())
}

async fn revoke_others(session: CurrentSession) -> Result<String, SessionError> {
    Ok(session.revoke_others::<Account>().await?.to_string())
}

async fn list(client: &mut Client) -> Vec<String> {
    let reply = client.get("/devices").await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
    serde_json::from_str(&reply.body).expect("a list")
}

async fn signed_in<S: Store + Clone>(site: &Site<S>, gate: &Gate, user: &str) -> Client {
    let mut client = site.serve(routes(gate));
    client.post(&format!("/sign-in/{user}")).await;
    client
}

/// Five devices are listed. One is ended by its handle, the others by a change of password.
///
/// # Panics
/// If a device stays signed in, or another user is signed out.
pub async fn devices_are_listed_and_ended<S: Store + Clone>(site: &Site<S>) {
    let gate = Gate::new();
    let mut bob = signed_in(site, &gate, "bob").await;
    let mut devices = Vec::new();
    for _ in 0..5 {
        devices.push(signed_in(site, &gate, "ada").await);
        site.wait_seconds(10);
    }
    let [mut own, mut lost, mut third, fourth, fifth] =
        <[Client; 5]>::try_from(devices).expect("five");
    own.get("/me").await;

    let handles = list(&mut own).await;
    assert_eq!(handles.len(), 5);
    let is_own = |handle: &&String| handle.starts_with('*');
    assert_eq!(handles.iter().filter(is_own).count(), 1);
    for device in [&own, &lost, &third, &fourth, &fifth] {
        let cookie = device.cookies().expect("a session");
        let (_, token) = cookie.split_once('=').expect("a cookie");
        assert!(handles.iter().all(|handle| !handle.contains(&token[7..19])));
    }

    let lost_handle = list(&mut lost)
        .await
        .into_iter()
        .find(|it| it.starts_with('*'));
    let lost_handle = lost_handle.expect("its own").replace('*', "");
    // Another user cannot use the handle.
    assert_eq!(
        bob.post(&format!("/revoke/{lost_handle}")).await.body,
        "false"
    );
    assert_eq!(lost.get("/me").await.body, "ada");
    assert_eq!(
        own.post(&format!("/revoke/{lost_handle}")).await.body,
        "true"
    );
    assert_eq!(lost.get("/me").await.body, "guest");
    assert_eq!(
        own.post(&format!("/revoke/{lost_handle}")).await.body,
        "false"
    );
    assert_eq!(list(&mut own).await.len(), 4);

    // Two devices have a request under way.
    let change = tokio::spawn(fourth.ask(Method::POST, "/slow"));
    let rotation = tokio::spawn(fifth.ask(Method::POST, "/slow-rotation"));
    gate.reached().await;
    gate.reached().await;
    assert_eq!(own.post("/revoke-others").await.body, "3");
    gate.open();
    gate.open();
    for (mut device, request) in [(fourth, change), (fifth, rotation)] {
        let reply = request.await.unwrap();
        assert_eq!(reply.status, StatusCode::OK);
        device.keep(&reply);
        assert_eq!(device.get("/me").await.body, "guest");
    }
    assert_eq!(third.get("/me").await.body, "guest");
    assert_eq!(own.get("/me").await.body, "ada");
    assert_eq!(list(&mut own).await.len(), 1);
    assert_eq!(bob.get("/me").await.body, "bob");

    // A device can also end its own session.
    let own_handle = list(&mut own).await.remove(0).replace('*', "");
    let reply = own.post(&format!("/revoke/{own_handle}")).await;
    assert_eq!(reply.max_age(), Some(0), "the browser is told");
    assert_eq!(own.get("/me").await.body, "guest");
    assert_eq!(list(&mut own).await.len(), 0);
}

/// All sessions of an account are ended from outside a request, including those begun under an older key.
///
/// # Panics
/// If a session is left.
pub async fn an_account_is_signed_out_everywhere<S: Store + Clone>(site: &Site<S>) {
    let gate = Gate::new();
    let bytes = std::array::from_fn(|i| ((i * i * 2_654_435_761) >> 11) as u8);
    let old_key = || Key::from_bytes(bytes).expect("a key that is not a pattern");
    let before = site.under(KeyRing::new(old_key()));
    let both = KeyRing::new(Key::generate().expect("randomness")).accept(old_key(), None);
    let after = site.under(both.expect("two different keys"));

    let mut old = signed_in(&before, &gate, "ada").await;
    let mut new = signed_in(&after, &gate, "ada").await;
    let mut bob = signed_in(&after, &gate, "bob").await;
    // A rotation under way must not keep its session alive.
    let rotating = tokio::spawn(new.ask(Method::POST, "/slow-rotation"));
    gate.reached().await;

    let (layer, ada) = (after.sessions.layer(), "ada".to_owned());
    assert_eq!(layer.list::<Account>(&ada).await.unwrap().len(), 2);
    assert_eq!(layer.revoke_all::<Account>(&ada).await.unwrap(), 2);
    assert_eq!(layer.revoke_all::<Account>(&ada).await.unwrap(), 0);
    gate.open();
    new.keep(&rotating.await.unwrap());

    assert_eq!(old.get("/me").await.body, "guest");
    assert_eq!(new.get("/me").await.body, "guest");
    assert_eq!(bob.get("/me").await.body, "bob");
}

/// All sessions of a user are ended while they get new IDs continuously.
///
/// # Panics
/// If a session survives.
pub async fn a_rotation_does_not_slip_away<S: Store + Clone>(site: &Site<S>) {
    let ada = "ada".to_owned();
    for round in 0..ROUNDS {
        let gate = Gate::new();
        let mut devices = Vec::new();
        for _ in 0..4 {
            devices.push(signed_in(site, &gate, &ada).await);
        }
        let requests: Vec<_> = devices
            .iter()
            .map(|device| tokio::spawn(device.ask(Method::POST, "/slow-rotation")))
            .collect();
        for _ in &requests {
            gate.reached().await;
        }
        let layer = site.sessions.layer();
        let name = ada.clone();
        let closing = tokio::spawn(async move { layer.revoke_all::<Account>(&name).await });
        for _ in &requests {
            gate.open();
        }
        for (device, request) in devices.iter_mut().zip(requests) {
            let reply = request.await.unwrap();
            device.keep(&reply);
        }
        let ended = closing.await.unwrap().unwrap();
        assert!(ended >= 4, "round {round}: {ended}");
        for device in &mut devices {
            assert_eq!(device.get("/me").await.body, "guest", "round {round}");
        }
    }
}

const ROUNDS: usize = 20;
