//! Runs beside an application on the Python library `starsessions`, with the same store and cookie. Both sides share
//! the cart, so that routes can move one by one.
//!
//! ```text
//! STORE=redis://127.0.0.1/ cargo run --example python_neighbour --features python,redis -- 8001
//! ```
//!
//! The Python side is `tests/python/app.py`, which reads the same settings from its environment. A proxy sends each
//! path to the side that currently serves it.

use std::env;
use std::error::Error;
use std::time::Duration;

use axum::extract::Path;
use axum::routing::{get, post};
use axum::{Router, serve};
use starsessions::python::{AesGcmEncryptor, CookieStore, FernetEncryptor, RedisStore, Sessions};
use starsessions::{CurrentSession, KeyRing, Session, SessionError, SessionLayer};
use starsessions_examples::{Problem, listen};

/// Two values of `request.session`. Only Python uses the other values.
#[derive(Session)]
#[session(namespace = "python")]
struct Shop {
    #[session(codec = json, merge = sum)]
    cart: u64, // request.session["cart"]
    #[session(codec = json)]
    theme: Option<String>,
}

#[derive(Session)]
#[session(namespace = "python")]
struct Login {
    #[session(codec = json, required, rotate, rename = "user_id")]
    user: u64,
}

async fn add(mut shop: Session<Shop>) -> String {
    shop.cart += 1;
    shop.cart.to_string()
}

async fn choose(Path(theme): Path<String>, mut shop: Session<Shop>) {
    shop.theme = Some(theme);
}

async fn me(login: Option<Session<Login>>) -> String {
    login.map_or("guest".to_owned(), |login| login.user.to_string())
}

async fn login(Path(user): Path<u64>, session: CurrentSession) -> Result<(), SessionError> {
    session.insert(Login { user }) // with `rotate`, what regenerate_session_id does
}

/// The same settings as `SessionMiddleware(..)` on the Python side.
async fn python() -> Result<Sessions, Box<dyn Error>> {
    let sessions = match &*setting("STORE")? {
        "cookie" => Sessions::new(CookieStore::new(&setting("SECRET")?)),
        url => Sessions::new(RedisStore::connect(redis::Client::open(url)?).await?),
    };
    let sessions = match &*setting("ENCRYPTOR")? {
        "fernet" => sessions.encryptor(FernetEncryptor::new(&setting("KEY")?)?),
        "aesgcm" => sessions.encryptor(AesGcmEncryptor::new(&bytes(&setting("KEY")?)?)?),
        _ => sessions,
    };
    Ok(sessions
        .lifetime(Duration::from_secs(setting("LIFETIME")?.parse()?))
        .rolling(setting("ROLLING")? == "1"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Keys for data that Python does not share. In production, use `KeyRing::from_env`.
    let layer = SessionLayer::shared_with_python(python().await?, KeyRing::generate()?)
        .cookie(|cookie| cookie.secure(false)) // on localhost, as Python's `cookie_https_only=False`
        .build()?;
    let app = Router::new()
        .route("/cart", post(add))
        .route("/theme/{theme}", post(choose))
        .route("/me", get(me))
        .route("/login/{user}", post(login))
        .layer(layer);
    let port = env::args().nth(1).unwrap_or("8001".to_owned());
    serve(listen(port.parse()?).await?, app).await?;
    Ok(())
}

fn setting(name: &str) -> Result<String, Problem> {
    let default = match name {
        "STORE" => Some("cookie"),
        "ENCRYPTOR" => Some("none"),
        "LIFETIME" | "ROLLING" => Some("0"),
        _ => None,
    };
    let value = env::var(name).ok().or(default.map(str::to_owned));
    value.ok_or_else(|| Problem(format!("set {name} to what the Python side has")))
}

/// Decodes the output of Python's `bytes.hex()`.
fn bytes(hex: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let digits: Vec<_> = hex.chars().collect();
    let byte = |pair: &[char]| u8::from_str_radix(&pair.iter().collect::<String>(), 16);
    Ok(digits.chunks(2).map(byte).collect::<Result<_, _>>()?)
}
