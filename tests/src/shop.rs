//! The site that most tests visit.

use std::collections::HashMap;

use crate::routing::{get, post};
use axum::Router;
use axum::extract::Path;
use axum::response::Redirect;
use starsessions::{CurrentSession, Session, SessionError};

/// The data of a visitor.
#[derive(Debug, Default, Session)]
pub struct Shop {
    /// Names of items.
    pub cart: Vec<String>,
    /// The number of page views.
    #[session(merge = sum)]
    pub views: u64,
    /// The visitor's language.
    pub language: Option<String>,
    /// A message to show once.
    pub notice: Option<String>,
    /// Stars by item.
    pub ratings: HashMap<String, u8>,
}

/// The visitor's identity.
#[derive(Debug, Session)]
#[session(reject = "/login")]
pub struct Login {
    /// The user's number.
    #[session(required, rotate)]
    pub user: u64,
}

/// Routes that work on every layer. Tests add their own.
pub fn routes() -> Router {
    Router::new()
        .route("/", get(|| async { "welcome" }))
        .route("/cart", get(cart))
        .route("/cart/{item}", post(add))
        .route("/views", get(views).post(view))
        .route("/language", get(language).delete(forget_language))
        .route("/language/{language}", post(speak))
        .route("/login/{user}", post(sign_in))
        .route("/me", get(me))
        .route("/forget", post(forget))
}

/// Like [`routes`], with a logout.
pub fn with_logout() -> Router {
    routes().route("/logout", post(sign_out))
}

async fn cart(shop: Session<Shop>) -> String {
    shop.cart.join(",")
}

async fn add(mut shop: Session<Shop>, Path(item): Path<String>) {
    shop.cart.push(item);
}

async fn views(shop: Session<Shop>) -> String {
    shop.views.to_string()
}

async fn view(mut shop: Session<Shop>) {
    shop.views += 1;
}

async fn language(shop: Session<Shop>) -> String {
    shop.language.clone().unwrap_or_default()
}

async fn speak(mut shop: Session<Shop>, Path(language): Path<String>) {
    shop.language = Some(language);
}

async fn forget_language(mut shop: Session<Shop>) {
    shop.language = None;
}

async fn me(login: Option<Session<Login>>) -> String {
    login.map_or("guest".to_owned(), |login| login.user.to_string())
}

async fn sign_in(session: CurrentSession, Path(user): Path<u64>) -> Result<Redirect, SessionError> {
    session.insert(Login { user })?;
    Ok(Redirect::to("/me"))
}

async fn sign_out(session: CurrentSession) -> Result<Redirect, SessionError> {
    session.destroy()?;
    Ok(Redirect::to("/"))
}

/// Like [`with_logout`], for applications that keep a token.
pub fn with_tokens() -> Router {
    with_logout()
        .route("/token", post(hand_out))
        .route("/token/{user}", post(sign_in_for_token))
}

/// Returns the session's token, with a new ID if a renewal is due.
async fn hand_out(session: CurrentSession) -> Result<String, SessionError> {
    Ok(session.bearer_token().await?.as_str().to_owned())
}

async fn sign_in_for_token(
    session: CurrentSession,
    Path(user): Path<u64>,
) -> Result<String, SessionError> {
    session.insert(Login { user })?;
    Ok(session.bearer_token().await?.as_str().to_owned())
}

async fn forget(session: CurrentSession) -> Result<(), SessionError> {
    session.forget()
}
