//! Sign-in at an OpenID provider, and sign-out when the user signs out there. In two terminals:
//!
//! ```text
//! cd examples/signin/oidc/provider && npm install && node provider.js
//! cargo run --manifest-path examples/signin/oidc/Cargo.toml
//! ```
//!
//! With a provider of your own, set `OIDC_ISSUER`, `OIDC_CLIENT_ID` and `OIDC_CLIENT_SECRET`.

mod provider;

use std::env;
use std::error::Error;
use std::sync::Arc;

use axum::extract::{Query, State};
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Redirect, Result};
use axum::routing::{get, post};
use axum::{Form, Router};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use starsessions::{
    CsrfLayer, CurrentSession, Flows, KeyRing, LocalPath, MemoryStore, RedisStore, Session,
    SessionError, SessionLayer,
};
use tokio::net::TcpListener;

use self::provider::{Attempt, Provider, User};

/// The signed-in user. A handler that takes this argument redirects guests to the provider, which sends them back to
/// the handler's page.
#[derive(Session)]
#[session(reject = "/login?next={path}")]
struct Login {
    #[session(required, rotate, index)]
    sub: String,
}

/// The user's session at the provider, which can end this session. The value is dropped when another user signs in.
#[derive(Session)]
struct AtProvider {
    #[session(required, until = rotate, index)]
    sid: String,
}

#[derive(Clone)]
struct App {
    provider: Arc<Provider>,
    sessions: SessionLayer,
}

#[derive(Deserialize)]
struct Next {
    #[serde(default)]
    next: LocalPath,
}

/// The provider's answer. It has no code if the user has declined.
#[derive(Deserialize)]
struct Answer {
    state: String,
    code: Option<String>,
}

/// The user, and the page to return to.
#[derive(Serialize, Deserialize)]
struct Known {
    user: User,
    next: LocalPath,
}

/// Begins a sign-in attempt. Each tab has its own.
async fn begin(
    State(app): State<App>,
    flows: Flows<Attempt>,
    Query(to): Query<Next>,
) -> Result<Redirect> {
    // An attempt can hold short addresses only.
    let next = to.next.at_most(256);
    Ok(Redirect::to(&app.provider.begin(&flows, next)?))
}

async fn callback(
    State(app): State<App>,
    flows: Flows<Attempt>,
    session: CurrentSession,
    Query(answer): Query<Answer>,
) -> Result<Redirect> {
    let attempt = flows.finish(&answer.state)?;
    let known = app.provider.finish(attempt, answer.code).await?;
    Ok(sign_in(&session, known)?)
}

/// The callback for `response_mode=form_post`. Browsers send no session cookie with a form of another site, so the
/// handler redirects, and the sign-in happens in the request that follows from this site.
async fn callback_by_post(
    State(app): State<App>,
    flows: Flows<Attempt>,
    onward: Flows<Known>,
    Form(answer): Form<Answer>,
) -> Result<Redirect> {
    let attempt = flows.finish(&answer.state)?;
    let known = app.provider.finish(attempt, answer.code).await?;
    let state = onward.begin(known)?;
    Ok(Redirect::to(&format!("/login/known?state={state}")))
}

async fn known(
    onward: Flows<Known>,
    session: CurrentSession,
    Query(answer): Query<Answer>,
) -> Result<Redirect, SessionError> {
    sign_in(&session, onward.finish(&answer.state)?)
}

fn sign_in(session: &CurrentSession, known: Known) -> Result<Redirect, SessionError> {
    let User { sub, sid } = known.user;
    session.insert(Login { sub })?;
    if let Some(sid) = sid {
        session.insert(AtProvider { sid })?;
    }
    Ok(Redirect::to(known.next.as_str()))
}

/// Signs out here and redirects to the provider, which asks whether to sign out there.
async fn logout(State(app): State<App>, session: CurrentSession) -> Result<Redirect, SessionError> {
    session.destroy()?;
    Ok(Redirect::to(&app.provider.logout_link()))
}

#[derive(Deserialize)]
struct Logout {
    logout_token: String,
}

/// The provider reports that a user has signed out there (OpenID Connect Back-Channel Logout 1.0).
async fn backchannel_logout(
    State(app): State<App>,
    Form(logout): Form<Logout>,
) -> Result<impl IntoResponse> {
    let ended = app.provider.logged_out(&logout.logout_token).await?;
    match &ended.user.sid {
        Some(sid) => app.sessions.revoke_all::<AtProvider>(sid).await?,
        None => app.sessions.revoke_all::<Login>(&ended.user.sub).await?,
    };
    // Settled only now: if the store fails above, the provider may send the same token again.
    app.provider.settle(ended);
    Ok([(CACHE_CONTROL, "no-store")])
}

async fn front_page(login: Option<Session<Login>>) -> Markup {
    html! {
        h1 { "Hello, " (login.as_ref().map_or("guest", |login| &login.sub)) }
        a href="/account" { "Your account" }
        @if login.is_some() { form method="post" action="/logout" { button { "Sign out" } } }
    }
}

/// The account page, for users only.
async fn account(login: Session<Login>) -> Markup {
    html! { h1 { "Account of " (login.sub) } a href="/" { "Back" } }
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(("127.0.0.1", setting("PORT", "3000").parse()?)).await?;
    let address = format!("http://{}", listener.local_addr()?);

    // For http://localhost. In production, use `SessionLayer::new` and keys that outlive the process.
    let keys = KeyRing::generate()?;
    let sessions = match env::var("REDIS_URL") {
        Err(_) => SessionLayer::dev(MemoryStore::new(), keys),
        Ok(url) => {
            let client = redis::Client::open(url)?;
            SessionLayer::dev(RedisStore::connect(client).await?, keys)
        }
    };
    let app = App {
        provider: Arc::new(Provider::discover(&address).await?),
        sessions: sessions.clone(),
    };
    let app = Router::new()
        .route("/", get(front_page))
        .route("/account", get(account))
        .route("/login", get(begin))
        .route("/login/known", get(known))
        .route("/logout", post(logout))
        .layer(CsrfLayer::new())
        // Added after the CSRF layer, which does not check these routes: the provider sends its requests from another
        // site. The state and the signature authenticate them.
        .route("/login/callback", get(callback).post(callback_by_post))
        .route("/logout/backchannel", post(backchannel_logout))
        .layer(sessions)
        .with_state(app);
    println!("Open {address}");
    Ok(axum::serve(listener, app).await?)
}

fn setting(name: &str, default: &str) -> String {
    env::var(name).unwrap_or_else(|_| default.to_owned())
}
