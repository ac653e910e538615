//! A program for production: settings from the environment, behind a proxy, stopped without losing a request.

use std::env;
use std::error::Error;

use axum::{Router, routing::get};
use starsessions::{CsrfLayer, KeyRing, Session, SessionLayer, SqliteStore};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

#[derive(Session)]
struct Visits {
    #[session(merge = sum)]
    pages: u64,
}

async fn page(mut visits: Session<Visits>) -> String {
    visits.pages += 1;
    format!("page {} of your visit\n", visits.pages)
}

fn app(store: SqliteStore) -> Result<Router, Box<dyn Error>> {
    let sessions = SessionLayer::new(store, KeyRing::from_env("SESSION_KEYS")?);
    // What browsers call this site: a proxy may change `Host`.
    let csrf = CsrfLayer::new().trust(&setting("ORIGIN")?)?;
    Ok(Router::new()
        .route("/", get(page).post(page))
        .route("/health", get(|| async { "up" })) // takes no session: the store is not asked
        .layer(csrf)
        .layer(sessions))
}

fn setting(name: &str) -> Result<String, String> {
    env::var(name).map_err(|error| format!("{name}: {error}"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt::init(); // RUST_LOG=starsessions=debug
    let store = SqliteStore::open(setting("SESSION_FILE")?)?;
    let app = app(store.clone())?;
    let stop = signal(SignalKind::terminate())?; // of systemd, of a container
    let listener = TcpListener::bind(setting("LISTEN")?).await?;
    axum::serve(listener, app)
        .with_graceful_shutdown(come(stop))
        .await?;
    store.close().await; // every answered request is in the file
    Ok(())
}

async fn come(mut signal: Signal) {
    signal.recv().await;
}
