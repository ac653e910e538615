//! Sessions without cookies: a token in a header, alone or beside the cookie.

mod beside;
mod challenge;
mod csrf;
mod life;
mod told;

use axum::Router;
use starsessions::config::Transport;
use starsessions::store::Store;
use starsessions::{CurrentSession, Session, SessionError};
use starsessions_tests::client::App;
use starsessions_tests::routing::{get, post};
use starsessions_tests::shop;
use starsessions_tests::site::Site;

/// A user as an API declares it, without a page to redirect guests to.
#[derive(Debug, Session)]
#[session(namespace = "login")]
struct User {
    #[session(required, rotate)]
    user: u64,
}

async fn account(user: Session<User>) -> String {
    format!("user {}", user.user)
}

async fn rotate(session: CurrentSession) -> Result<(), SessionError> {
    session.rotate()
}

fn routes() -> Router {
    shop::with_tokens()
        .route("/account", get(account))
        .route("/rotate", post(rotate))
}

fn alone() -> Site {
    Site::with(|layer| layer.transport(Transport::bearer()))
}

fn beside() -> Site {
    Site::with(|layer| layer.transport(Transport::bearer().beside_cookie()))
}

/// These routes behind the site's session layer.
fn served<S: Store + Clone>(site: &Site<S>) -> Router {
    routes().layer(site.sessions.layer())
}

fn app<S: Store + Clone>(site: &Site<S>) -> App {
    App::new(&served(site))
}

/// An application that has signed in as user 7.
async fn signed_in<S: Store + Clone>(site: &Site<S>) -> App {
    let mut app = app(site);
    app.take("/token/7").await;
    assert_eq!(app.get("/account").await.body, "user 7");
    app
}
