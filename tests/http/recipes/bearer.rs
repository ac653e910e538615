//! Sessions without cookies.

use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Serialize;
use starsessions::config::{ConfigError, Transport};
use starsessions::session::BearerToken;
use starsessions::{CurrentSession, KeyRing, MemoryStore, Session, SessionError, SessionLayer};

#[derive(Session)]
struct Login {
    #[session(required, rotate)]
    user: u64,
}

#[derive(Serialize)]
struct Token {
    access_token: BearerToken,
    token_type: &'static str,
}

async fn token(session: &CurrentSession) -> Result<Json<Token>, SessionError> {
    Ok(Json(Token {
        access_token: session.bearer_token().await?, // commits, and is not for caches
        token_type: "Bearer",
    }))
}

async fn sign_in(session: CurrentSession) -> Result<Json<Token>, SessionError> {
    session.insert(Login { user: 7 })?; // after a password was checked, or an ID token that the application has from a provider
    token(&session).await
}

async fn refresh(
    _login: Session<Login>,
    session: CurrentSession,
) -> Result<Json<Token>, SessionError> {
    token(&session).await // another one if the id is old, else the same
}

async fn account(login: Session<Login>) -> String {
    format!("user {}", login.user) // 401 and `WWW-Authenticate: Bearer` without a session
}

fn app(keys: KeyRing) -> Result<Router, ConfigError> {
    let sessions = SessionLayer::builder(MemoryStore::new(), keys)
        .transport(Transport::bearer())
        .build()?;
    Ok(Router::new()
        .route("/sign-in", post(sign_in))
        .route("/refresh", post(refresh))
        .route("/account", get(account))
        .layer(sessions))
}

// What the page leaves out.

#[tokio::test]
async fn an_application_signs_in_and_shows_its_token() {
    use serde_json::Value;
    use starsessions_tests::client::App;

    let mut phone = App::new(&app(KeyRing::generate().unwrap()).unwrap());
    let refused = phone.get("/account").await;
    assert_eq!(refused.status, 401);
    assert_eq!(
        refused.all("www-authenticate"),
        [r#"Bearer realm="session""#]
    );
    let handed_out: Value = serde_json::from_str(&phone.post("/sign-in").await.body).unwrap();
    assert_eq!(handed_out["token_type"], "Bearer");
    phone.token = handed_out["access_token"].as_str().map(str::to_owned);
    assert_eq!(phone.get("/account").await.body, "user 7");
    let again: Value = serde_json::from_str(&phone.post("/refresh").await.body).unwrap();
    assert_eq!(again, handed_out, "it is not old");
}
