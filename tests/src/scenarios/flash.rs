//! 2. Messages that are shown once, and tokens that can be used once.

use std::sync::Arc;

use crate::routing::{get, post};
use axum::Router;
use axum::extract::{Path, State};
use axum::response::Redirect;
use http::{Method, StatusCode};
use starsessions::store::Store;
use starsessions::{Session, SessionError};
use tokio::sync::Barrier;

use crate::gate::Gate;
use crate::site::Site;

#[derive(Debug, Session)]
struct Messages {
    #[session(flash)]
    notice: Option<String>,
    #[session(flash)]
    errors: Vec<String>,
    #[session(exclusive)]
    token: Option<u32>,
}

fn routes(gate: &Gate) -> Router {
    let held = Router::new()
        .route("/held/notice", get(held_notice))
        .route("/held/errors", get(held_errors))
        .with_state(gate.clone());
    Router::new()
        .route("/save/{notice}", post(save))
        .route("/notice", get(notice).post(notice))
        .route("/fail", post(fail))
        .route("/error/{error}", post(add_error))
        .route("/errors", get(errors))
        .merge(held)
}

async fn save(mut messages: Session<Messages>, Path(notice): Path<String>) -> Redirect {
    messages.notice = Some(notice);
    Redirect::to("/notice")
}

async fn notice(mut messages: Session<Messages>) -> String {
    messages.notice.take().unwrap_or_default()
}

async fn fail(mut messages: Session<Messages>) -> StatusCode {
    messages.notice = None;
    messages.errors.clear();
    StatusCode::INTERNAL_SERVER_ERROR
}

async fn add_error(mut messages: Session<Messages>, Path(error): Path<String>) {
    messages.errors.push(error);
}

async fn errors(mut messages: Session<Messages>) -> String {
    std::mem::take(&mut messages.errors).join(",")
}

async fn held_notice(State(gate): State<Gate>, mut messages: Session<Messages>) -> String {
    gate.pass().await;
    messages.notice.take().unwrap_or_default()
}

async fn held_errors(State(gate): State<Gate>, mut messages: Session<Messages>) -> String {
    gate.pass().await;
    std::mem::take(&mut messages.errors).join(",")
}

/// Requests whose response may never be shown.
const UNSEEN: [&[(&str, &str)]; 20] = [
    &[("sec-purpose", "prefetch")],
    &[("sec-purpose", "prefetch;prerender")],
    &[("sec-purpose", "prefetch; anonymous-client-ip")],
    &[("Sec-Purpose", "Prefetch")],
    &[("purpose", "prefetch")],
    &[("x-moz", "prefetch")],
    &[("x-purpose", "preview")],
    &[("x-purpose", "prefetch")],
    &[("x-sec-purpose", "prefetch")],
    &[("x-sec-purpose", "prefetch, prerender")],
    &[("purpose", "preview")],
    &[("sec-purpose", "prerender")],
    &[("next-router-prefetch", "1")],
    &[("next-router-prefetch", "2")],
    &[("next-router-prefetch", "3")],
    &[("next-router-segment-prefetch", "/_tree")],
    &[("x-middleware-prefetch", "1")],
    &[("hx-preloaded", "true")],
    &[("hx-preloaded", "1")],
    &[("purpose", "other"), ("purpose", "prefetch")],
];

/// A message stays until a response that the browser shows, and is then removed.
///
/// # Panics
/// If the message is lost or shown twice.
pub async fn a_message_is_shown_once<S: Store + Clone>(site: &Site<S>) {
    let mut client = site.serve(routes(&Gate::new()));
    assert_eq!(client.post("/save/saved").await.location(), Some("/notice"));
    client.post("/error/first").await;
    for headers in UNSEEN {
        for path in ["/notice", "/errors"] {
            let reply = client.ask_with(Method::GET, path, headers).await;
            assert_eq!((reply.status, reply.body.as_str()), (StatusCode::OK, ""));
            assert!(!reply.sets_cookie(), "{headers:?}");
        }
    }
    for path in ["/notice", "/errors"] {
        let reply = client.send(Method::HEAD, path).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}");
    }
    assert_eq!(
        client.post("/fail").await.status,
        StatusCode::INTERNAL_SERVER_ERROR
    );
    // A request that only resembles a prefetch takes the message.
    let seen = [("sec-purpose", "navigate"), ("x-moz", "prefetching")];
    let reply = client.ask_with(Method::GET, "/notice", &seen).await;
    client.keep(&reply);
    assert_eq!(reply.body, "saved");
    assert_eq!(client.get("/notice").await.body, "");
    assert_eq!(client.get("/errors").await.body, "first");
    assert_eq!(client.get("/errors").await.body, "");

    // A prefetch that sets a message keeps the earlier message.
    client.post("/error/first").await;
    let reply = client
        .ask_with(Method::POST, "/error/second", UNSEEN[0])
        .await;
    client.keep(&reply);
    assert_eq!(client.get("/errors").await.body, "first,second");
}

/// A request that takes a message keeps a newer message that another request sets meanwhile.
///
/// # Panics
/// If the newer message is never shown.
pub async fn a_newer_message_stays<S: Store + Clone>(site: &Site<S>) {
    let gate = Gate::new();
    let mut client = site.serve(routes(&gate));
    for (set, held, shown) in [
        ("/save", "/held/notice", "/notice"),
        ("/error", "/held/errors", "/errors"),
    ] {
        client.post(&format!("{set}/first")).await;
        let taking = tokio::spawn(client.ask(Method::GET, held));
        let also_taking = tokio::spawn(client.ask(Method::GET, held));
        gate.reached().await;
        gate.reached().await;
        client.post(&format!("{set}/second")).await;
        gate.open();
        gate.open();
        // Both requests have seen the message before either took it. Neither waits for the other.
        for request in [taking, also_taking] {
            let reply = request.await.unwrap();
            let reply = (reply.status, reply.body);
            assert_eq!(reply, (StatusCode::OK, "first".to_owned()));
        }
        assert_eq!(client.get(shown).await.body, "second");
        assert_eq!(client.get(shown).await.body, "");
    }
}

const REQUESTS: usize = 8;

/// Of many requests with the same token, exactly one succeeds.
///
/// # Panics
/// If two succeed, or none.
pub async fn what_can_be_used_once_is_used_once<S: Store + Clone>(site: &Site<S>) {
    let all = Arc::new(Barrier::new(REQUESTS));
    let reset = async |State(all): State<Arc<Barrier>>,
                       mut messages: Session<Messages>|
           -> Result<&'static str, SessionError> {
        all.wait().await;
        let Some(_token) = messages.token.take() else {
            return Ok("used");
        };
        messages.commit().await?;
        Ok("mine")
    };
    let issue = async |mut messages: Session<Messages>| messages.token = Some(7);
    let app = Router::new()
        .route("/issue", post(issue))
        .route("/reset", post(reset))
        .with_state(all);
    let mut client = site.serve(app);
    for round in 0..ROUNDS {
        client.post("/issue").await;
        let requests: Vec<_> = (0..REQUESTS)
            .map(|_| tokio::spawn(client.ask(Method::POST, "/reset")))
            .collect();
        let mut mine = 0;
        for request in requests {
            let reply = request.await.unwrap();
            match reply.status {
                StatusCode::OK if reply.body == "mine" => mine += 1,
                status => assert_eq!(status, StatusCode::CONFLICT, "{}", reply.body),
            }
        }
        assert_eq!(mine, 1, "round {round}");
    }
}

const ROUNDS: usize = 20;
