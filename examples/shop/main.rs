//! A small shop to click through: `cargo run --example shop`.
//!
//! What its sessions hold, and by which rules, is declared in `sessions.rs`. The handlers are
//! about a shop: they take typed sessions as arguments, and read and write their fields.

mod account;
mod cart;
mod catalogue;
mod order;
mod page;
mod sessions;

use std::error::Error;

use axum::Router;
use axum::routing::{get, post};
use starsessions::{KeyRing, MemoryStore, SessionLayer};
use tokio::net::TcpListener;

/// The shop, with its sessions kept by `layer`.
pub fn app(layer: SessionLayer) -> Router {
    Router::new()
        .route("/", get(catalogue::show))
        .route("/cart", get(cart::show))
        .route("/cart/add", post(cart::add))
        .route("/cart/change", post(cart::change))
        .route("/cart/coupon", post(cart::redeem))
        .route("/login", get(account::login_form).post(account::sign_in))
        .route("/logout", post(account::sign_out))
        .route("/account", get(account::show))
        .route(
            "/confirm",
            get(account::confirm_form).post(account::confirm),
        )
        .route("/order", get(order::review).post(order::place))
        .layer(layer)
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "says where to point the browser")]
async fn main() -> Result<(), Box<dyn Error>> {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .init();
    // `dev` is for http://localhost; behind TLS it is `SessionLayer::new`.
    let layer = SessionLayer::dev(MemoryStore::new(), keys()?);
    let listener = TcpListener::bind(("127.0.0.1", port()?)).await?;
    println!("The shop is open: http://{}", listener.local_addr()?);
    axum::serve(listener, app(layer)).await?;
    Ok(())
}

/// The keys of the environment; without them new ones, and every session ends with the process.
fn keys() -> Result<KeyRing, Box<dyn Error>> {
    if std::env::var_os("SESSION_KEYS").is_some() {
        Ok(KeyRing::from_env("SESSION_KEYS")?)
    } else {
        Ok(KeyRing::generate()?)
    }
}

/// 3000, or what `--port` says; 0 takes a free one.
fn port() -> Result<u16, Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => Ok(3000),
        (Some("--port"), Some(port)) => Ok(port.parse()?),
        _ => Err("usage: shop [--port NUMBER]".into()),
    }
}
