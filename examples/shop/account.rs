//! Signing in and out, and confirming the user's identity.

use axum::Form;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use starsessions::{CurrentSession, Session, SessionError};

use super::devices;
use super::page::Page;
use super::sessions::{Confirmation, Login, Shop, Sudo};

/// The fields of the sign-in form.
#[derive(Deserialize)]
pub(super) struct Credentials {
    name: String,
    password: String,
}

/// The fields of the confirmation form.
#[derive(Deserialize)]
pub(super) struct Password {
    password: String,
}

/// The sign-in form.
pub(super) async fn login_form(page: Page) -> Markup {
    page.show("Sign in", &login("", None))
}

/// Signs in. The session continues under a new ID and keeps the cart.
pub(super) async fn sign_in(
    page: Page,
    session: CurrentSession,
    headers: HeaderMap,
    Form(form): Form<Credentials>,
) -> Result<Response, SessionError> {
    let name = form.name.trim();
    let is_name = !name.is_empty() && name.chars().count() <= LONGEST_NAME;
    if !is_name || form.password != PASSWORD {
        let form = login(
            name,
            Some("Wrong name or password. Both are explained below."),
        );
        return Ok(refuse(page.show("Sign in", &form)));
    }
    session.insert(Login {
        user: name.to_owned(),
        orders: 0,
    })?;
    session.set_label(devices::name(&headers))?;
    Ok(Redirect::to("/account").into_response())
}

/// Signs out. The session ends, which makes every copy of its cookie worthless.
pub(super) async fn sign_out(session: CurrentSession) -> Result<Redirect, SessionError> {
    session.destroy()?;
    Ok(Redirect::to("/"))
}

/// The account page. The `Session<Login>` argument refuses guests.
pub(super) async fn show(page: Page, login: Session<Login>, shop: Session<Shop>) -> Markup {
    let articles: u32 = shop.cart.iter().map(|line| line.quantity).sum();
    let body = html! {
        h1 { "Hello, " (login.user) }
        section.panel {
            dl.facts {
                div { dt { "Orders since you signed in" } dd { (login.orders) } }
                div { dt { "Articles in your cart" } dd { (articles) } }
                div { dt { "Visits to the catalogue" } dd { (shop.visits) } }
            }
            div.actions {
                a.button href="/devices" { "Your devices" }
                form method="post" action="/logout" { button.quiet { "Sign out" } }
            }
        }
    };
    page.show("Account", &body)
}

/// The confirmation form, for users only.
pub(super) async fn confirm_form(page: Page, login: Session<Login>) -> Markup {
    page.show("Confirm", &confirmation(&login.user, None))
}

/// Stores the confirmation. The field's declaration limits it to five minutes.
pub(super) async fn confirm(
    page: Page,
    login: Session<Login>,
    session: CurrentSession,
    Form(form): Form<Password>,
) -> Result<Response, SessionError> {
    if form.password != PASSWORD {
        let form = confirmation(&login.user, Some("Wrong password."));
        return Ok(refuse(page.show("Confirm", &form)));
    }
    session.insert(Sudo {
        confirmed: Confirmation::Password,
    })?;
    Ok(Redirect::to("/order").into_response())
}

fn refuse(page: Markup) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, page).into_response()
}

fn login(name: &str, problem: Option<&str>) -> Markup {
    html! {
        form.panel.narrow method="post" action="/login" {
            h1 { "Sign in" }
            (alert(problem))
            label for="name" { "Name" }
            input #name name="name" value=(name) autocomplete="username" maxlength=(LONGEST_NAME) required;
            (password())
            button.wide { "Sign in" }
            p.hint {
                "This is a demo: any name of up to " (LONGEST_NAME) " letters works, and the password is "
                code { (PASSWORD) } ". Your cart comes along."
            }
        }
    }
}

fn confirmation(user: &str, problem: Option<&str>) -> Markup {
    html! {
        form.panel.narrow method="post" action="/confirm" {
            h1 { "Confirm it’s you" }
            (alert(problem))
            p {
                "Please enter the password of " strong { (user) }
                " again before you order. It counts for five minutes."
            }
            input type="hidden" name="username" value=(user) autocomplete="username";
            (password())
            button.wide { "Confirm" }
            p.hint { "This is a demo: the password is " code { (PASSWORD) } "." }
        }
    }
}

fn password() -> Markup {
    html! {
        label for="password" { "Password" }
        input #password name="password" type="password" autocomplete="current-password" required;
    }
}

fn alert(problem: Option<&str>) -> Markup {
    html! { @if let Some(problem) = problem { p.problem role="alert" { (problem) } } }
}

/// The password of all users. A real shop stores password hashes, and compares them in constant time.
const PASSWORD: &str = "star";

const LONGEST_NAME: usize = 40;
