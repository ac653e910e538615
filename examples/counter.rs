//! Counts the visits of each browser: a typed session in thirty lines.

use axum::{Router, routing::get};
use starsessions::{KeyRing, MemoryStore, Session, SessionLayer};

#[derive(Session)]
struct Counter {
    #[session(merge = sum)]
    visits: u64,
}

async fn count(mut counter: Session<Counter>) -> String {
    counter.visits += 1;
    format!("You have been here {} times.\n", counter.visits)
}

/// The routes and their sessions.
pub fn app() -> Result<Router, Box<dyn std::error::Error>> {
    // `dev` is for http://localhost; behind TLS it is `new`, and keys come from the environment.
    let sessions = SessionLayer::dev(MemoryStore::new(), KeyRing::generate()?);
    Ok(Router::new().route("/", get(count)).layer(sessions))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app()?).await?;
    Ok(())
}
