//! A site that binds sessions to devices, for tests in a browser: over TLS, with sessions in memory, and with control
//! over the responses to refreshes. The program prints the browser options, and stops when its input ends.

#[path = "../examples/shop/tls.rs"]
mod tls;

use std::error::Error;
use std::io::{Read, stdin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::ws::{Message, WebSocketUpgrade};
use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Json, Router};
use starsessions::testing::TestClock;
use starsessions::{CurrentSession, KeyRing, MemoryStore, Session, SessionError, SessionLayer};
use starsessions_tests::routing::{get, post};
use tokio::net::TcpListener;
use tokio::sync::watch;

#[derive(Session)]
#[session(reject = "/login")]
struct Login {
    #[session(required, rotate, index)]
    user: u64,
}

#[derive(Session)]
#[session(namespace = "login", bound, reject = "/login")]
struct Vault {
    #[session(required, rotate, index)]
    user: u64,
}

async fn sign_in(session: CurrentSession) -> Result<Redirect, SessionError> {
    session.remember(true)?;
    session.insert(Login { user: 7 })?;
    Ok(Redirect::to("/account"))
}

async fn sign_out(session: CurrentSession) -> Result<Redirect, SessionError> {
    session.destroy()?;
    Ok(Redirect::to("/login"))
}

async fn form() -> Html<&'static str> {
    Html("<form method=post action=/login><button>Sign in</button></form>")
}

async fn account(login: Session<Login>) -> Html<String> {
    Html(format!("user {}", login.user))
}

async fn vault(vault: Session<Vault>) -> Html<String> {
    Html(format!("vault of {}", vault.user))
}

/// Sends the user, and then stays idle.
async fn socket(upgrade: WebSocketUpgrade, vault: Session<Vault>) -> Response {
    let user = format!("user {}", vault.user);
    upgrade.on_upgrade(async |mut socket| {
        let _ = socket.send(Message::Text(user.into())).await;
        while let Some(Ok(_)) = socket.recv().await {}
    })
}

/// The state of the middleware in front of the layer, which acts as a proxy.
#[derive(Clone)]
struct Proxy {
    layer: SessionLayer,
    clock: TestClock,
    /// The response to refreshes: `pass`, `hold`, or a status.
    answer: Arc<watch::Sender<String>>,
    /// The path and the status of each request; the status is 0 while the request is held.
    seen: Arc<Mutex<Vec<(String, u16)>>>,
}

impl Proxy {
    fn seen(&self) -> MutexGuard<'_, Vec<(String, u16)>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn decide(&self, request: Request, next: Next) -> Response {
        if request.uri().path() != "/dbsc/refresh" {
            return next.run(request).await;
        }
        let mut answer = self.answer.subscribe();
        let answer = answer.wait_for(|answer| answer != "hold").await;
        let status = answer.ok().and_then(|answer| answer.parse().ok());
        match status.map(StatusCode::from_u16) {
            Some(Ok(status)) => status.into_response(),
            _ => next.run(request).await,
        }
    }
}

async fn through(State(proxy): State<Proxy>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    if !path.starts_with("/dbsc/") {
        return next.run(request).await;
    }
    let place = {
        let mut seen = proxy.seen();
        seen.push((path, 0));
        seen.len() - 1
    };
    let response = proxy.decide(request, next).await;
    proxy.seen()[place].1 = response.status().as_u16();
    response
}

async fn set(State(proxy): State<Proxy>, Path(answer): Path<String>) {
    proxy.answer.send_replace(answer);
}

async fn seen(State(proxy): State<Proxy>) -> Json<Vec<(String, u16)>> {
    Json(proxy.seen().clone())
}

async fn later(State(proxy): State<Proxy>, Path(seconds): Path<u64>) {
    proxy.clock.advance(Duration::from_secs(seconds));
}

/// Ends the user's sessions, as from another device.
async fn end(State(proxy): State<Proxy>) -> Result<String, SessionError> {
    let ended = proxy.layer.revoke_all::<Login>(&7).await?;
    Ok(ended.to_string())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let clock = TestClock::at(1_800_000_000);
    let layer = SessionLayer::builder(MemoryStore::new(), KeyRing::generate()?)
        .clock(clock.clone())
        .device_bound(|device| device.guests(false).exclude("/control"))
        .build()?;
    let proxy = Proxy {
        layer: layer.clone(),
        clock,
        answer: Arc::new(watch::Sender::new("pass".to_owned())),
        seen: Arc::default(),
    };
    let app = Router::new()
        .route("/login", get(form).post(sign_in))
        .route("/logout", post(sign_out))
        .route("/account", get(account))
        .route("/vault", get(vault))
        .route("/socket", get(socket))
        .route("/control/refresh/{answer}", get(set))
        .route("/control/seen", get(seen))
        .route("/control/later/{seconds}", get(later))
        .route("/control/end", get(end))
        .with_state(proxy.clone())
        .layer(layer)
        .layer(from_fn_with_state(proxy, through));
    std::thread::spawn(|| {
        let _ = stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    tls::serve(TcpListener::bind(("127.0.0.1", 0)).await?, app).await
}
