//! A small shop to click through: `cargo run --example shop`.
//!
//! What its sessions hold, and by which rules, is declared in `sessions.rs`. The handlers are
//! about a shop: they take typed sessions as arguments, and read and write their fields. Where the
//! sessions are kept is one line in `store.rs`, and up to the command line: `--store memory`.

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

use std::error::Error;
use std::path::PathBuf;

use axum::Router;
use axum::routing::{get, post};
use starsessions::{CsrfLayer, PassiveLayer, SessionLayer};
use tokio::net::TcpListener;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::prelude::*;

pub use self::operations::Operations;

/// The shop, with its sessions kept by `layer`, and what is known of them in `operations`.
pub fn app(layer: SessionLayer, operations: Operations) -> Router {
    Router::new()
        .route("/", get(catalogue::show))
        .route("/cart", get(cart::show))
        // A tab that is left open does not keep its user signed in.
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
        // Other sites cannot order in a user's name.
        .layer(CsrfLayer::new())
        .layer(layer)
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "says where to point the browser")]
async fn main() -> Result<(), Box<dyn Error>> {
    let operations = Operations::default();
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    tracing_subscriber::registry()
        .with(log.with_filter(LevelFilter::INFO))
        .with(operations.events())
        .init();
    metrics::set_global_recorder(operations.clone())?;
    tokio::spawn(operations.clone().keep_time());

    let options = Options::parse(std::env::args().skip(1))?;
    let layer = store::layer(&options.store, &options.folder).await?;
    let listener = TcpListener::bind(("127.0.0.1", options.port)).await?;
    println!("The shop is open: http://{}", listener.local_addr()?);
    axum::serve(listener, app(layer, operations)).await?;
    Ok(())
}

/// What the command line says.
struct Options {
    /// 0 takes a free one.
    port: u16,
    store: String,
    /// Of the session file and the keys.
    folder: PathBuf,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self, Box<dyn Error>> {
        let mut options = Self {
            port: 3000,
            store: "sqlite".to_owned(),
            folder: "shop-data".into(),
        };
        while let Some(option) = arguments.next() {
            let value = arguments.next();
            match (option.as_str(), value) {
                ("--port", Some(port)) => options.port = port.parse()?,
                ("--store", Some(store)) => options.store = store,
                ("--data", Some(folder)) => options.folder = folder.into(),
                _ => return Err(format!("{USAGE}; {}", store::STORES).into()),
            }
        }
        Ok(options)
    }
}

const USAGE: &str = "usage: shop [--port NUMBER] [--store STORE] [--data FOLDER]";
