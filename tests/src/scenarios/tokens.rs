//! 26. Applications with a token.

use crate::routing::post;
use axum::Router;
use http::{Method, StatusCode};
use starsessions::config::Transport;
use starsessions::store::Store;
use starsessions::{CurrentSession, Session, SessionError};

use crate::client::App;
use crate::gate::Gate;
use crate::shop::{self, Shop};
use crate::site::Site;

fn by_tokens<S: Store + Clone>(site: &Site<S>) -> Site<S> {
    site.restarted(|layer| layer.transport(Transport::bearer()))
}

/// A sign-in ends the old token, and a logout ends the token for requests under way. Changes by parallel requests are
/// merged.
///
/// # Panics
/// If an old token identifies a user, or a change is lost.
pub async fn a_token_lives_as_a_cookie_does<S: Store + Clone>(site: &Site<S>) {
    let site = by_tokens(site);
    let gate = Gate::new();
    let held = gate.clone();
    let slow = |mut shop: Session<Shop>| async move {
        held.pass().await;
        shop.views += 1;
    };
    let routes = shop::with_tokens().route("/slow", post(slow));
    let mut app = App::new(&routes.layer(site.sessions.layer()));
    app.take("/token/7").await;
    let slow = [0, 1].map(|_| tokio::spawn(app.ask(Method::POST, "/slow")));
    for _ in &slow {
        gate.reached().await;
    }
    app.post("/cart/tea").await;
    let first = app.clone();
    app.take("/token/8").await;
    assert_ne!(first.token, app.token);
    assert_eq!(first.get("/me").await.body, "guest");
    for _ in &slow {
        gate.open();
    }
    for request in slow {
        assert_eq!(request.await.unwrap().status, StatusCode::OK);
    }
    assert_eq!(app.get("/me").await.body, "8");
    assert_eq!(app.get("/cart").await.body, "tea");
    assert_eq!(app.get("/views").await.body, "2");

    let slow = tokio::spawn(app.ask(Method::POST, "/slow"));
    gate.reached().await;
    app.post("/logout").await;
    gate.open();
    slow.await.unwrap();
    assert_eq!(app.get("/me").await.body, "guest");
}

#[derive(Debug, Session)]
struct Account {
    #[session(required, rotate, index)]
    user: u64,
}

async fn sign_in(session: CurrentSession) -> Result<String, SessionError> {
    session.insert(Account { user: 7 })?;
    Ok(session.bearer_token().await?.as_str().to_owned())
}

async fn devices(session: CurrentSession) -> Result<String, SessionError> {
    Ok(session.list::<Account>().await?.len().to_string())
}

async fn revoke_others(session: CurrentSession) -> Result<(), SessionError> {
    session.revoke_others::<Account>().await.map(|_| ())
}

/// Applications are listed and ended as devices of their user, like browsers.
///
/// # Panics
/// If an application is missing from the list, or stays signed in after its end.
pub async fn applications_are_devices<S: Store + Clone>(site: &Site<S>) {
    let site = by_tokens(site);
    let routes = Router::new()
        .route("/token", post(sign_in))
        .route("/devices", post(devices))
        .route("/revoke-others", post(revoke_others));
    let mut phone = App::new(&routes.layer(site.sessions.layer()));
    let mut tablet = phone.clone();
    phone.take("/token").await;
    tablet.take("/token").await;
    assert_eq!(tablet.post("/devices").await.body, "2");
    phone.post("/revoke-others").await;
    assert_eq!(phone.post("/devices").await.body, "1");
    let ended = tablet.post("/devices").await;
    assert_eq!((ended.status, &*ended.body), (StatusCode::OK, "0"));
}
