//! A small shop to click through: `cargo run --example shop`.
//!
//! `sessions.rs` declares the content of the sessions and its rules. The handlers take typed sessions as arguments, and
//! read and write their fields. `store.rs` builds the store that the command line selects, for example
//! `--store memory`.

mod account;
mod assets;
mod cart;
mod catalogue;
mod devices;
mod operations;
mod order;
mod page;
mod picture;
mod sessions;
mod store;
mod tls;

use std::error::Error;
use std::path::PathBuf;

use axum::Router;
use axum::routing::{get, post};
use clap::Parser;
use starsessions::{CsrfLayer, PassiveLayer, SessionLayer};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

pub use self::operations::Operations;
use self::store::Store;

/// Builds the shop. `layer` keeps its sessions, and `operations` holds their statistics.
pub fn app(layer: SessionLayer, operations: Operations) -> Router {
    Router::new()
        .route("/", get(catalogue::show))
        .route("/cart", get(cart::show))
        // An open tab must not extend the session.
        .route("/cart/live", get(cart::live).layer(PassiveLayer))
        .route("/cart/add", post(cart::add))
        .route("/cart/change", post(cart::change))
        .route("/cart/coupon", post(cart::redeem))
        .route("/login", get(account::login_form).post(account::sign_in))
        .route("/logout", post(account::sign_out))
        .route("/account", get(account::show))
        .route("/devices", get(devices::show))
        .route("/devices/end", post(devices::end))
        .route("/devices/end-others", post(devices::end_others))
        .route(
            "/confirm",
            get(account::confirm_form).post(account::confirm),
        )
        .route("/order", get(order::review).post(order::place))
        .route("/operations", get(operations::show).with_state(operations))
        .route("/style.css", get(assets::style))
        .route("/live.js", get(assets::live))
        .fallback(page::not_found)
        // Stops other sites from ordering in a user's name.
        .layer(CsrfLayer::new())
        .layer(layer)
}

/// A small shop to click through: its sessions are kept by starsessions.
#[derive(Debug, Parser)]
struct Options {
    /// Where to listen on this machine; 0 takes a free port.
    #[arg(long, default_value_t = 3000)]
    port: u16,
    /// Where to keep the sessions: memory, cookie, sqlite or sqlite=FILE; and if the shop is built
    /// with the feature of that name, postgres=URL, mysql=URL or redis=URL
    #[arg(long, default_value = "sqlite", verbatim_doc_comment)]
    store: Store,
    /// The folder of the session file and of the keys.
    #[arg(long, value_name = "FOLDER", default_value = "shop-data")]
    data: PathBuf,
    /// Speak TLS, over which browsers can bind sessions to their device.
    #[arg(long)]
    tls: bool,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let operations = Operations::default();
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    tracing_subscriber::registry()
        .with(log.with_filter(LevelFilter::INFO))
        .with(operations.events())
        .init();
    metrics::set_global_recorder(operations.clone())?;
    tokio::spawn(operations.clone().keep_time());

    let layer = options.store.layer(&options.data, options.tls).await?;
    let app = app(layer, operations);
    if options.tls {
        let listener = starsessions_examples::bind(options.port).await?;
        return tls::serve(listener, app).await;
    }
    let listener = starsessions_examples::listen(options.port).await?;
    axum::serve(listener, app).await?;
    Ok(())
}
