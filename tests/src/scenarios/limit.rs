//! 14. The limit of devices per user.

use crate::routing::{get, post};
use axum::Router;
use axum::extract::Path;
use http::{Method, StatusCode};
use starsessions::config::AtLimit;
use starsessions::session::PublicSessionId;
use starsessions::store::Store;
use starsessions::{CurrentSession, Session, SessionError};

use crate::client::Client;
use crate::shop;
use crate::site::Site;

#[derive(Debug, Session)]
struct Member {
    #[session(required, rotate, index)]
    name: String,
}

fn limited<S: Store + Clone>(site: &Site<S>, max: usize, at_limit: AtLimit) -> Site<S> {
    site.restarted(|layer| layer.sessions_per_user(max, at_limit))
}

fn visitor<S: Store + Clone>(site: &Site<S>) -> Client {
    site.serve(
        shop::routes()
            .merge(Router::new().route("/join/{name}", post(join)))
            .route("/ask/{name}", post(ask))
            .route("/ask/{name}/{instead}", post(ask_instead))
            .route("/leave", post(leave))
            .route("/new-id", post(new_id))
            .route("/who", get(who)),
    )
}

async fn join(session: CurrentSession, Path(name): Path<String>) -> Result<(), SessionError> {
    session.insert(Member { name })
}

/// Signs in, or lists the devices so that the user can choose which to end.
async fn ask(session: CurrentSession, Path(name): Path<String>) -> Result<String, SessionError> {
    session.insert(Member { name: name.clone() })?;
    match session.commit().await {
        Err(SessionError::TooManySessions { limit }) => {
            let devices = session.list_of::<Member>(&name).await?;
            assert_eq!(devices.len(), limit);
            assert!(devices.iter().all(|device| !device.is_current));
            let handles = devices.iter().map(|device| device.id.to_string());
            Ok(handles.collect::<Vec<_>>().join(" "))
        }
        result => result.map(|()| "in".to_owned()),
    }
}

async fn ask_instead(
    session: CurrentSession,
    Path((name, handle)): Path<(String, String)>,
) -> Result<String, SessionError> {
    let handle: PublicSessionId = handle.parse().expect("the test has it from a list");
    let is_ended = session.revoke_of::<Member>(&name, handle).await?;
    let answer = ask(session, Path(name)).await?;
    Ok(format!("{is_ended} {answer}"))
}

async fn leave(session: CurrentSession) -> Result<(), SessionError> {
    session.destroy()
}

async fn new_id(session: CurrentSession) -> Result<(), SessionError> {
    session.rotate()
}

async fn who(member: Option<Session<Member>>) -> String {
    member.map_or("guest".to_owned(), |member| member.name.clone())
}

async fn join_as<S: Store + Clone>(site: &Site<S>, visitor: &Client, name: &str) -> Client {
    let mut device = visitor.clone();
    let reply = device.post(&format!("/join/{name}")).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.body);
    site.wait_seconds(1);
    device
}

async fn names<const N: usize>(devices: &mut [Client; N]) -> [String; N] {
    let mut names = [const { String::new() }; N];
    for (device, name) in devices.iter_mut().zip(&mut names) {
        *name = device.get("/who").await.body;
    }
    names
}

/// The least recently used device makes room for a new one.
///
/// # Panics
/// If another device makes room, or another user is signed out.
pub async fn the_oldest_device_makes_room<S: Store + Clone>(site: &Site<S>) {
    let site = &limited(site, 3, AtLimit::EndOldest);
    let visitor = visitor(site);
    let mut bob = join_as(site, &visitor, "bob").await;
    let mut devices = [
        join_as(site, &visitor, "ada").await,
        join_as(site, &visitor, "ada").await,
        join_as(site, &visitor, "ada").await,
    ];
    // Neither a second sign-in nor a new ID counts as a new device.
    let _ = site.store.take_calls();
    devices[1].post("/join/ada").await;
    assert_eq!(site.store.take_calls().removes, 0, "it files no claim");
    devices[2].post("/new-id").await;
    site.wait_seconds(120);
    devices[0].get("/who").await;
    devices[2].get("/who").await;
    assert_eq!(names(&mut devices).await, ["ada"; 3]);
    site.wait_seconds(120);
    devices[0].get("/who").await;
    devices[1].get("/who").await;
    site.wait_seconds(120);

    let mut fourth = join_as(site, &visitor, "ada").await;

    assert_eq!(names(&mut devices).await, ["ada", "ada", "guest"]);
    assert_eq!(fourth.get("/who").await.body, "ada");
    assert_eq!(bob.get("/who").await.body, "bob");
    // Another user on the same device counts separately.
    fourth.post("/join/bob").await;
    let mut fifth = join_as(site, &visitor, "ada").await;
    assert_eq!(names(&mut devices).await, ["ada", "ada", "guest"]);
    assert_eq!(fifth.get("/who").await.body, "ada");
}

/// A device over the limit stays a guest and keeps its data.
///
/// # Panics
/// If the device is signed in, or has lost data.
pub async fn a_device_too_many_is_refused<S: Store + Clone>(site: &Site<S>) {
    let site = &limited(site, 2, AtLimit::Refuse);
    let visitor = visitor(site);
    let mut devices = [
        join_as(site, &visitor, "ada").await,
        join_as(site, &visitor, "ada").await,
    ];
    let mut guest = visitor.clone();
    guest.post("/cart/tea").await;
    let reply = guest.post("/join/ada").await;
    assert_eq!(reply.status, StatusCode::CONFLICT);
    assert!(!reply.sets_cookie());
    assert_eq!(guest.get("/who").await.body, "guest");
    assert_eq!(guest.get("/cart").await.body, "tea");
    assert_eq!(names(&mut devices).await, ["ada"; 2]);
    assert_eq!(devices[0].post("/join/ada").await.status, StatusCode::OK);

    devices[1].post("/leave").await;
    assert_eq!(guest.post("/join/ada").await.status, StatusCode::OK);
    assert_eq!(guest.get("/who").await.body, "ada");
    assert_eq!(guest.get("/cart").await.body, "tea");
}

/// A handler asks which device to end, and the guest keeps its data meanwhile.
///
/// # Panics
/// If another device is signed out.
pub async fn a_handler_asks_which_device_goes<S: Store + Clone>(site: &Site<S>) {
    let site = &limited(site, 2, AtLimit::Refuse);
    let visitor = visitor(site);
    let mut bob = join_as(site, &visitor, "bob").await;
    let mut devices = [
        join_as(site, &visitor, "ada").await,
        join_as(site, &visitor, "ada").await,
    ];
    let mut guest = visitor.clone();
    guest.post("/cart/tea").await;
    let answer = guest.post("/ask/ada").await.body;
    // The most recently used device comes first.
    let [_, oldest] = answer.split(' ').collect::<Vec<_>>()[..] else {
        panic!("{answer}");
    };
    assert_eq!(guest.get("/who").await.body, "guest");
    // The handle is invalid for another user.
    let path = format!("/ask/bob/{oldest}");
    assert_eq!(visitor.clone().post(&path).await.body, "false in");
    let path = format!("/ask/ada/{oldest}");
    assert_eq!(guest.post(&path).await.body, "true in");
    assert_eq!(guest.get("/who").await.body, "ada");
    assert_eq!(guest.get("/cart").await.body, "tea");
    assert_eq!(names(&mut devices).await, ["guest", "ada"]);
    assert_eq!(bob.get("/who").await.body, "bob");
}

const AT_ONCE: usize = 8;
const ROUNDS: usize = 5;

/// The limit holds for any number of parallel sign-ins.
///
/// # Panics
/// If more sessions are left than allowed, or none.
pub async fn sign_ins_at_once_hold_the_limit<S: Store + Clone>(site: &Site<S>) {
    for round in 0..ROUNDS {
        for at_limit in [AtLimit::EndOldest, AtLimit::Refuse] {
            let visitor = visitor(&limited(site, 2, at_limit));
            let path = format!("/join/{at_limit:?}-{round}");
            let requests: Vec<_> = (0..AT_ONCE)
                .map(|_| tokio::spawn(visitor.ask(Method::POST, &path)))
                .collect();
            let mut replies = Vec::new();
            for request in requests {
                replies.push(request.await.unwrap());
            }
            let mut left = 0;
            for reply in replies {
                assert!(
                    [StatusCode::OK, StatusCode::CONFLICT].contains(&reply.status),
                    "{}",
                    reply.status
                );
                let mut device = visitor.clone();
                device.keep(&reply);
                let is_left = device.get("/who").await.body != "guest";
                // A sign-in that was answered with an error leaves no session.
                assert!(!is_left || reply.status == StatusCode::OK, "{round}");
                left += usize::from(is_left);
            }
            match at_limit {
                AtLimit::EndOldest => assert_eq!(left, 2, "round {round}"),
                // At least one sign-in succeeds.
                AtLimit::Refuse => assert!((1..=2).contains(&left), "round {round}: {left}"),
            }
        }
    }
}
