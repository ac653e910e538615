//! Signing in and out, and the confirmation that it is still you.

use axum::Form;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use starsessions::{CurrentSession, Session, SessionError};

use super::devices;
use super::page::{Page, Text};
use super::sessions::{Confirmation, Login, Shop, Sudo};

/// What the sign-in form sends.
#[derive(Deserialize)]
pub(super) struct Credentials {
    name: String,
    password: String,
}

/// What the confirmation form sends.
#[derive(Deserialize)]
pub(super) struct Password {
    password: String,
}

/// The sign-in form.
pub(super) async fn login_form(page: Page) -> Html<String> {
    page.show("Sign in", &login("", ""))
}

/// Signs in. The session goes on under a new id, and the cart with it.
pub(super) async fn sign_in(
    page: Page,
    session: CurrentSession,
    headers: HeaderMap,
    Form(form): Form<Credentials>,
) -> Result<Response, SessionError> {
    let name = form.name.trim();
    let is_name = !name.is_empty() && name.chars().count() <= LONGEST_NAME;
    if !is_name || form.password != PASSWORD {
        let form = login(name, "Wrong name or password. Both are explained below.");
        return Ok(refuse(page.show("Sign in", &form)));
    }
    session.insert(Login {
        user: name.to_owned(),
        orders: 0,
    })?;
    session.set_label(devices::name(&headers))?;
    Ok(Redirect::to("/account").into_response())
}

/// Signs out: the session ends, and every copy of its cookie with it.
pub(super) async fn sign_out(session: CurrentSession) -> Result<Redirect, SessionError> {
    session.destroy()?;
    Ok(Redirect::to("/"))
}

/// A page for users only: the argument says so.
pub(super) async fn show(page: Page, login: Session<Login>, shop: Session<Shop>) -> Html<String> {
    let user = Text(&login.user);
    let articles: u32 = shop.cart.iter().map(|line| line.quantity).sum();
    let (orders, visits) = (login.orders, shop.visits);
    page.show(
        "Account",
        &format!(
            r#"<h1>Hello, {user}</h1><section class="panel"><dl class="facts">
            <div><dt>Orders since you signed in</dt><dd>{orders}</dd></div>
            <div><dt>Articles in your cart</dt><dd>{articles}</dd></div>
            <div><dt>Visits to the catalogue</dt><dd>{visits}</dd></div></dl>
            <div class="actions"><a class="button" href="/devices">Your devices</a>
            <form method="post" action="/logout"><button class="quiet">Sign out</button></form></div></section>"#
        ),
    )
}

/// The confirmation form, for users only.
pub(super) async fn confirm_form(page: Page, login: Session<Login>) -> Html<String> {
    page.show("Confirm", &confirmation(&login.user, ""))
}

/// Notes that the user has confirmed; for five minutes, as its field says.
pub(super) async fn confirm(
    page: Page,
    login: Session<Login>,
    session: CurrentSession,
    Form(form): Form<Password>,
) -> Result<Response, SessionError> {
    if form.password != PASSWORD {
        let form = confirmation(&login.user, "Wrong password.");
        return Ok(refuse(page.show("Confirm", &form)));
    }
    session.insert(Sudo {
        confirmed: Confirmation::Password,
    })?;
    Ok(Redirect::to("/order").into_response())
}

fn refuse(page: Html<String>) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, page).into_response()
}

fn login(name: &str, problem: &str) -> String {
    let (name, problem) = (Text(name), Text(problem));
    format!(
        r#"<form class="panel narrow" method="post" action="/login"><h1>Sign in</h1>
        <p class="problem" role="alert">{problem}</p>
        <label for="name">Name</label>
        <input id="name" name="name" value="{name}" autocomplete="username" maxlength="{LONGEST_NAME}" required>
        <label for="password">Password</label>
        <input id="password" name="password" type="password" autocomplete="current-password" required>
        <button class="wide">Sign in</button>
        <p class="hint">This is a demo: any name of up to {LONGEST_NAME} letters works, and the password is <code>{PASSWORD}</code>.
        Your cart comes along.</p></form>"#
    )
}

fn confirmation(user: &str, problem: &str) -> String {
    let (user, problem) = (Text(user), Text(problem));
    format!(
        r#"<form class="panel narrow" method="post" action="/confirm"><h1>Confirm it’s you</h1>
        <p class="problem" role="alert">{problem}</p>
        <p>Please enter the password of <strong>{user}</strong> again before you order. It counts for five minutes.</p>
        <input type="hidden" name="username" value="{user}" autocomplete="username">
        <label for="password">Password</label>
        <input id="password" name="password" type="password" autocomplete="current-password" required>
        <button class="wide">Confirm</button>
        <p class="hint">This is a demo: the password is <code>{PASSWORD}</code>.</p></form>"#
    )
}

/// Everybody's. A shop with customers has a table of hashes, and compares in constant time.
const PASSWORD: &str = "star";

const LONGEST_NAME: usize = 40;
