//! A chat over WebSockets, at <http://127.0.0.1:3000>. Signing out in one tab closes the chat in all tabs.

use axum::extract::State;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::header::CONTENT_TYPE;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use clap::Parser;
use serde::Deserialize;
use starsessions::{
    CsrfLayer, CurrentSession, Detached, KeyRing, MemoryStore, Session, SessionError, SessionLayer,
};
use tokio::sync::broadcast::Sender;

#[derive(Session, Deserialize)]
#[session(reject = "/")]
struct Login {
    #[session(required, rotate)]
    name: String,
}

/// Opens a socket. The `Session<Login>` argument refuses guests.
async fn open(
    upgrade: WebSocketUpgrade,
    State(room): State<Sender<String>>,
    login: Session<Login>,
) -> Result<Response, SessionError> {
    let (name, login) = (login.name.clone(), login.detach()?);
    Ok(upgrade.on_upgrade(|socket| async move {
        // An error means that the browser has disconnected, so no message can reach it.
        let _ = talk(socket, &name, &login, &room).await;
    }))
}

/// Runs until the browser closes the socket or the session ends.
async fn talk(
    mut socket: WebSocket,
    name: &str,
    login: &Detached<Login>,
    room: &Sender<String>,
) -> Result<(), axum::Error> {
    let (mut watch, mut said) = (login.watch(), room.subscribe());
    loop {
        tokio::select! {
            () = watch.ended() => {
                let (code, reason) = (close_code::POLICY, "signed out".into());
                return socket.send(Message::Close(Some(CloseFrame { code, reason }))).await;
            }
            Ok(line) = said.recv() => socket.send(Message::Text(line.into())).await?,
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => drop(room.send(format!("{name}: {text}"))),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Ok(()),
            },
        }
    }
}

async fn page(login: Option<Session<Login>>) -> Html<&'static str> {
    Html(match login {
        Some(_) => include_str!("socket/chat.html"),
        None => include_str!("socket/join.html"),
    })
}

async fn style() -> impl IntoResponse {
    (
        [(CONTENT_TYPE, "text/css")],
        include_str!("socket/style.css"),
    )
}

async fn sign_in(
    session: CurrentSession,
    Form(login): Form<Login>,
) -> Result<Redirect, SessionError> {
    session.insert(login)?;
    Ok(Redirect::to("/"))
}

async fn sign_out(session: CurrentSession) -> Result<Redirect, SessionError> {
    session.destroy()?;
    Ok(Redirect::to("/"))
}

/// The chat, with one room.
pub fn app() -> Result<Router, Box<dyn std::error::Error>> {
    let sessions = SessionLayer::dev(MemoryStore::new(), KeyRing::generate()?);
    Ok(Router::new()
        .route("/", get(page))
        .route("/login", post(sign_in))
        .route("/logout", post(sign_out))
        .route("/socket", get(open))
        .route("/style.css", get(style))
        // Browsers let any page open a socket to any site. This layer refuses pages of other origins.
        .layer(CsrfLayer::new())
        .layer(sessions)
        .with_state(Sender::new(16)))
}

/// A chat over WebSockets: signing out, in whichever tab, closes it in all of them.
#[derive(Debug, Parser)]
struct Options {
    /// Where to listen on this machine; 0 takes a free port.
    #[arg(long, default_value_t = 3000)]
    port: u16,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = starsessions_examples::listen(Options::parse().port).await?;
    axum::serve(listener, app()?).await?;
    Ok(())
}
