//! Several replicas.

use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use starsessions::config::ConfigError;
use starsessions::store::Store;
use starsessions::{CurrentSession, KeyRing, Session, SessionError, SessionLayer};

#[derive(Session)]
struct Login {
    #[session(required, rotate, index)]
    user: u64,
}

async fn sign_in(session: CurrentSession) -> Result<(), SessionError> {
    session.insert(Login { user: 7 }) // after the password was checked
}

async fn account(login: Session<Login>) -> String {
    format!("user {}", login.user)
}

async fn sign_out(session: CurrentSession) -> Result<(), SessionError> {
    session.destroy()
}

/// What each replica runs.
fn replica(store: impl Store, keys: KeyRing) -> Result<Router, ConfigError> {
    let sessions = SessionLayer::builder(store, keys)
        .watch_interval(Duration::from_secs(5)) // how soon a socket here hears of a logout there
        .build()?;
    Ok(Router::new()
        .route("/login", post(sign_in))
        .route("/account", get(account))
        .route("/logout", post(sign_out))
        .layer(sessions))
}

// What the page leaves out.

#[tokio::test]
async fn a_browser_is_one_user_in_front_of_every_replica() {
    use starsessions::SqliteStore;
    use starsessions_tests::client::Client;
    use starsessions_tests::servers::Folder;

    let folder = Folder::new();
    let keys = KeyRing::generate().unwrap();
    let [here, there] = [(); 2].map(|()| {
        let store = SqliteStore::open(folder.join("sessions.db")).unwrap();
        Client::new(&replica(store, keys.clone()).unwrap())
    });
    let mut browser = here.clone();
    browser.post("/login").await;
    let mut elsewhere = browser.at(&there);
    assert_eq!(elsewhere.get("/account").await.body, "user 7");
    assert_eq!(elsewhere.post("/logout").await.status, 200);
    assert_eq!(browser.get("/account").await.status, 401);
}
