//! Counts the visits of each browser, at <http://127.0.0.1:3000>.

use axum::{Router, routing::get};
use starsessions::{KeyRing, MemoryStore, Session, SessionLayer};

#[derive(Session)]
struct Counter {
    #[session(merge = sum)] // requests at the same time all count
    visits: u64,
}

async fn count(mut counter: Session<Counter>) -> String {
    counter.visits += 1;
    format!("Your visits: {}\n", counter.visits)
}

/// The one page.
pub fn app() -> Result<Router, Box<dyn std::error::Error>> {
    // For http://localhost, with keys that end with the process; see "In production".
    let sessions = SessionLayer::dev(MemoryStore::new(), KeyRing::generate()?);
    Ok(Router::new().route("/", get(count)).layer(sessions))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:3000");
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .map_err(|error| format!("cannot listen at {address}: {error}"))?;
    axum::serve(listener, app()?).await?;
    Ok(())
}
