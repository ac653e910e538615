//! Counts the visits of each browser, at <http://127.0.0.1:3000>, with sessions in NATS:
//! `nats-server --jetstream`, and `cargo run --example nats`.

mod store;

use async_nats::jetstream::{self, kv};
use axum::{Router, routing::get};
use starsessions::{KeyRing, Session, SessionLayer};

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

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let client = async_nats::connect("nats://127.0.0.1:4222").await?;
    let bucket = kv::Config {
        bucket: "sessions".into(),
        history: 1,
        ..kv::Config::default()
    };
    let bucket = jetstream::new(client).create_key_value(bucket).await?;
    // Sessions outlive this process if its keys do.
    let keys = KeyRing::from_file_or_new("sessions.keys")?;
    let sessions = SessionLayer::dev(NatsStore::new(bucket), keys);
    let app = Router::new().route("/", get(count)).layer(sessions);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app).await?;
    Ok(())
}
