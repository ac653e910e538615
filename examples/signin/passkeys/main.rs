//! Sign-in with a passkey, and a page that requires it again (step-up):
//!
//! ```text
//! cargo run --manifest-path examples/signin/passkeys/Cargo.toml
//! ```

mod users;

use std::env;
use std::error::Error;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Redirect, Result};
use axum::routing::{get, post};
use axum::{Json, Router};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use starsessions::{
    CsrfLayer, CurrentSession, KeyRing, MemoryStore, Session, SessionError, SessionLayer,
};
use tokio::net::TcpListener;
use webauthn_rs::prelude::*;

use self::users::Users;

/// The signed-in user.
#[derive(Session)]
#[session(reject = "/")]
struct Login {
    #[session(required, rotate)]
    name: String,
}

/// The user has confirmed with the passkey within the last five minutes. The confirmation ends when another user signs
/// in.
#[derive(Session)]
#[session(reject = "/confirm")]
struct Sudo {
    #[session(required, rotate, until = rotate, expires = "5m")]
    confirmed: (),
}

/// The challenge that the authenticator must answer.
#[derive(Session)]
struct Ceremony {
    #[session(exclusive, expires = "5m", codec = json)]
    challenge: Option<Challenge>,
}

/// The purpose of a challenge, and its state.
#[derive(Serialize, Deserialize)]
enum Challenge {
    Register(String, PasskeyRegistration),
    SignIn(String, PasskeyAuthentication),
}

impl Ceremony {
    /// Consumes the challenge before the answer is verified. Of two parallel requests, only one succeeds.
    async fn take(mut ceremony: Session<Self>) -> Result<Challenge> {
        let challenge = ceremony.challenge.take().ok_or(REFUSED)?;
        ceremony.commit().await?;
        Ok(challenge)
    }
}

#[derive(Clone)]
struct App {
    webauthn: Arc<Webauthn>,
    users: Arc<Users>,
}

#[derive(Deserialize)]
struct Who {
    name: String,
}

async fn start_registration(
    State(app): State<App>,
    mut ceremony: Session<Ceremony>,
    Json(who): Json<Who>,
) -> Result<Json<CreationChallengeResponse>> {
    if who.name.is_empty() || app.users.passkeys(&who.name).is_some() {
        return Err((StatusCode::CONFLICT, "Please choose another name.").into());
    }
    // A real application uses the ID of the account.
    let id = Uuid::new_v4();
    let started = app
        .webauthn
        .start_passkey_registration(id, &who.name, &who.name, None);
    let (options, state) = started.map_err(|_| REFUSED)?;
    ceremony.challenge = Some(Challenge::Register(who.name, state));
    Ok(Json(options))
}

async fn finish_registration(
    State(app): State<App>,
    session: CurrentSession,
    ceremony: Session<Ceremony>,
    Json(answer): Json<RegisterPublicKeyCredential>,
) -> Result<Json<&'static str>> {
    let Challenge::Register(name, state) = Ceremony::take(ceremony).await? else {
        return Err(REFUSED.into());
    };
    let passkey = app.webauthn.finish_passkey_registration(&answer, &state);
    if !app.users.add(&name, passkey.map_err(|_| REFUSED)?) {
        return Err(REFUSED.into());
    }
    session.insert(Login { name })?;
    Ok(Json("/"))
}

async fn start_login(
    State(app): State<App>,
    ceremony: Session<Ceremony>,
    Json(who): Json<Who>,
) -> Result<Json<RequestChallengeResponse>, Refusal> {
    challenge(&app, ceremony, who.name)
}

async fn finish_login(
    State(app): State<App>,
    session: CurrentSession,
    ceremony: Session<Ceremony>,
    Json(answer): Json<PublicKeyCredential>,
) -> Result<Json<&'static str>> {
    let name = verify(&app, ceremony, &answer).await?;
    session.insert(Login { name })?;
    Ok(Json("/"))
}

async fn start_confirmation(
    State(app): State<App>,
    login: Session<Login>,
    ceremony: Session<Ceremony>,
) -> Result<Json<RequestChallengeResponse>, Refusal> {
    challenge(&app, ceremony, login.name.clone())
}

async fn finish_confirmation(
    State(app): State<App>,
    login: Session<Login>,
    session: CurrentSession,
    ceremony: Session<Ceremony>,
    Json(answer): Json<PublicKeyCredential>,
) -> Result<Json<&'static str>> {
    if verify(&app, ceremony, &answer).await? != login.name {
        return Err(REFUSED.into());
    }
    session.insert(Sudo { confirmed: () })?;
    Ok(Json("/vault"))
}

/// Begins a challenge for the passkeys of this user.
fn challenge(
    app: &App,
    mut ceremony: Session<Ceremony>,
    name: String,
) -> Result<Json<RequestChallengeResponse>, Refusal> {
    let passkeys = app.users.passkeys(&name).ok_or(REFUSED)?;
    let started = app.webauthn.start_passkey_authentication(&passkeys);
    let (options, state) = started.map_err(|_| REFUSED)?;
    ceremony.challenge = Some(Challenge::SignIn(name, state));
    Ok(Json(options))
}

/// Verifies the answer and returns the user.
async fn verify(
    app: &App,
    ceremony: Session<Ceremony>,
    answer: &PublicKeyCredential,
) -> Result<String> {
    let Challenge::SignIn(name, state) = Ceremony::take(ceremony).await? else {
        return Err(REFUSED.into());
    };
    let result = app.webauthn.finish_passkey_authentication(answer, &state);
    app.users.used(&name, &result.map_err(|_| REFUSED)?);
    Ok(name)
}

async fn logout(session: CurrentSession) -> Result<Redirect, SessionError> {
    session.destroy()?;
    Ok(Redirect::to("/"))
}

async fn front_page(login: Option<Session<Login>>) -> Markup {
    page(&match login {
        Some(login) => html! {
            h1 { "Hello, " (login.name) }
            a href="/vault" { "Your vault" }
            form method="post" action="/logout" { button { "Sign out" } }
        },
        None => html! {
            h1 { "Hello, guest" }
            (form("get", "/login", "Sign in", true))
            (form("create", "/register", "Create an account", true))
        },
    })
}

async fn confirm_page(_login: Session<Login>) -> Markup {
    page(&form("get", "/confirm", "Show your passkey again", false))
}

/// For users who have just confirmed with their passkey. The arguments refuse all others.
async fn vault(login: Session<Login>, _fresh: Session<Sudo>) -> Markup {
    page(&html! { h1 { "Vault of " (login.name) } })
}

/// A form that `passkeys.js` submits after it has called this method of `navigator.credentials`.
fn form(method: &str, action: &str, label: &str, asks_name: bool) -> Markup {
    html! {
        form method="post" action=(action) data-method=(method) {
            @if asks_name { input name="name" aria-label="Name" autocomplete="username webauthn" required; }
            button { (label) }
        }
    }
}

fn page(body: &Markup) -> Markup {
    html! {
        (maud::DOCTYPE)
        title { "Passkeys" }
        (body)
        p role="alert" {}
        script src="/passkeys.js" {}
    }
}

async fn script() -> impl IntoResponse {
    let kind = [(CONTENT_TYPE, "text/javascript")];
    (kind, include_str!("passkeys.js"))
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn Error>> {
    let port = env::var("PORT").unwrap_or("3000".to_owned());
    let listener = TcpListener::bind(("127.0.0.1", port.parse()?)).await?;
    // A passkey belongs to a domain, never to an IP address. Without TLS, the domain can only be `localhost`.
    let origin = format!("http://localhost:{}", listener.local_addr()?.port());
    let app = App {
        webauthn: Arc::new(WebauthnBuilder::new("localhost", &origin.parse()?)?.build()?),
        users: Arc::default(),
    };
    // For http://localhost. In production, use `SessionLayer::new` and keys that outlive the process.
    let sessions = SessionLayer::dev(MemoryStore::new(), KeyRing::generate()?);
    let app = Router::new()
        .route("/", get(front_page))
        .route("/register/start", post(start_registration))
        .route("/register/finish", post(finish_registration))
        .route("/login/start", post(start_login))
        .route("/login/finish", post(finish_login))
        .route("/confirm", get(confirm_page))
        .route("/confirm/start", post(start_confirmation))
        .route("/confirm/finish", post(finish_confirmation))
        .route("/vault", get(vault))
        .route("/logout", post(logout))
        .route("/passkeys.js", get(script))
        .layer(CsrfLayer::new())
        .layer(sessions)
        .with_state(app);
    println!("Open {origin}");
    Ok(axum::serve(listener, app).await?)
}

type Refusal = (StatusCode, &'static str);

/// The same answer for every failure, because the cause would help attackers only.
const REFUSED: Refusal = (
    StatusCode::FORBIDDEN,
    "This did not work. Please try again.",
);
