//! Sessions that are bound to a device; a software client replaces the browser.

mod clocks;
mod exchange;
mod forged;
mod life;
mod thief;
mod told;
mod views;

use axum::Router;
use http::{Method, StatusCode};
use starsessions::config::DeviceBinding;
use starsessions::store::Store;
use starsessions::{CurrentSession, Session, SessionError, SessionLayerBuilder, SessionRejection};
use starsessions_tests::client::{Client, Reply};
use starsessions_tests::device::{Bound, Device};
use starsessions_tests::routing::{get, post};
use starsessions_tests::site::{Kept, Site};
use starsessions_tests::spy::Spy;

#[derive(Session)]
#[session(reject = "/login")]
struct Login {
    #[session(required, rotate, index)]
    user: u64,
}

#[derive(Session)]
struct Cart {
    items: Vec<String>,
}

#[derive(Session)]
#[session(namespace = "login", bound)]
struct Vault {
    #[session(required, rotate, index)]
    user: u64,
}

async fn login(session: CurrentSession) -> Result<(), SessionError> {
    session.insert(Login { user: 7 })
}

async fn logout(session: CurrentSession) -> Result<(), SessionError> {
    session.destroy()
}

async fn account(login: Session<Login>) -> String {
    format!("user {}", login.user)
}

async fn vault(vault: Session<Vault>) -> String {
    format!("vault of {}", vault.user)
}

async fn add(mut cart: Session<Cart>) {
    cart.items.push("tea".to_owned());
}

async fn cart(cart: Session<Cart>) -> String {
    cart.items.join(", ")
}

async fn bound(session: CurrentSession) -> Result<String, SessionError> {
    let info = session.info().await?;
    let listed = session.list::<Login>().await?;
    let listed: Vec<_> = listed.iter().map(|session| session.bound).collect();
    Ok(format!("{:?} {listed:?}", info.map(|info| info.bound)))
}

async fn others(session: CurrentSession) -> Result<(), SessionError> {
    session.revoke_others::<Login>().await.map(|_| ())
}

fn routes() -> Router {
    Router::new()
        .route("/login", post(login))
        .route("/logout", post(logout))
        .route("/account", get(account))
        .route("/vault", get(vault))
        .route("/cart", get(cart).post(add))
        .route("/bound", get(bound))
        .route("/others", post(others))
        .route("/", get(async || "hello"))
}

fn site() -> Site {
    with(|device| device)
}

fn with(set: impl FnOnce(DeviceBinding) -> DeviceBinding) -> Site {
    Site::with(|layer| layer.device_bound(set))
}

fn on<S: Store + Clone>(store: S) -> Site<S> {
    let store = Spy::new(store).sealed();
    Site::over(store, Kept::OnServer, |layer| layer.device_bound(|it| it))
}

/// A signed-in browser with a registered device, and its binding.
async fn signed_in<S: Store + Clone>(site: &Site<S>) -> (Client, Bound) {
    let mut client = site.serve(routes());
    let reply = client.post("/login").await;
    assert_eq!(reply.status, StatusCode::OK);
    let bound = client.bind(&Device::new(1), &reply).await;
    // Past the grace for concurrent requests.
    pass(site, &mut client, 10);
    (client, bound)
}

/// Advances the clocks of the server and of the browser.
fn pass<S: Store + Clone>(site: &Site<S>, client: &mut Client, seconds: u64) {
    site.wait_seconds(seconds);
    client
        .jar_mut()
        .advance(std::time::Duration::from_secs(seconds));
}

/// A thief with one of the cookies.
fn thief(client: &Client, name: &str) -> Client {
    let cookies = client.cookies().expect("cookies");
    let cookie = cookies.split("; ").find(|it| it.starts_with(name));
    client.showing(cookie.expect("that cookie"))
}

/// A navigation by a link, a bookmark or a form, with the headers that a browser sends.
async fn navigate(client: &mut Client, path: &str, from: &str) -> Reply {
    let headers = [
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
        ("sec-fetch-site", from),
    ];
    let reply = client.ask_with(Method::GET, path, &headers).await;
    client.keep(&reply);
    reply
}

const SESSION: &str = "__Host-Http-id=";
const SHORT: &str = "__Host-bound=";
