//! Counts the visits of each browser, at <http://127.0.0.1:3000>, with sessions in NATS:
//! `nats-server --jetstream`, and `cargo run --example nats --features nats`.

mod store;

use async_nats::jetstream;
use axum::{Router, routing::get};
use clap::Parser;
use starsessions::{KeyRing, Session, SessionLayer};
use starsessions_examples::Problem;

use self::store::NatsStore;

#[derive(Session)]
struct Counter {
    #[session(merge = sum)]
    visits: u64,
}

async fn count(mut counter: Session<Counter>) -> String {
    counter.visits += 1;
    format!("Your visits: {}\n", counter.visits)
}

/// Counts the visits of each browser, with sessions in NATS JetStream.
#[derive(Debug, Parser)]
struct Options {
    /// Where to listen on this machine; 0 takes a free port.
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// The NATS server, started with `nats-server --jetstream`.
    #[arg(long, value_name = "URL", default_value = "nats://127.0.0.1:4222")]
    server: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Options { port, server } = Options::parse();
    let client = async_nats::connect(&server).await;
    let client = client.map_err(|error| Problem(format!("no NATS server at {server}: {error}")))?;
    let bucket = store::bucket(&jetstream::new(client), "sessions").await;
    let bucket = bucket.map_err(|error| Problem(format!("no bucket at {server}: {error}")))?;
    // Sessions outlive this process if its keys do.
    let keys = KeyRing::from_file_or_new("sessions.keys")?;
    let sessions = SessionLayer::dev(NatsStore::new(bucket), keys);
    let app = Router::new().route("/", get(count)).layer(sessions);
    let listener = starsessions_examples::listen(port).await?;
    axum::serve(listener, app).await?;
    Ok(())
}
