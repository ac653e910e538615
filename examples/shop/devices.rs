//! The list of the user's sessions, with a button to end each.

use axum::Form;
use axum::http::HeaderMap;
use axum::http::header::USER_AGENT;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use starsessions::config::{Clock, SystemClock};
use starsessions::session::ListedSession;
use starsessions::{CurrentSession, Session, SessionError, Timestamp};

use super::page::Page;
use super::sessions::{Login, Shop};

/// The fields of the button beside a session.
#[derive(Deserialize)]
pub(super) struct End {
    id: String,
}

/// The list, for users only.
pub(super) async fn show(
    page: Page,
    login: Session<Login>,
    session: CurrentSession,
) -> Result<Markup, SessionError> {
    let body = match session.list::<Login>().await {
        Ok(list) => devices(&list),
        // Whether sessions are listed depends on the store, so the page handles both cases.
        Err(SessionError::Unlisted) => html! {
            p { "This shop keeps each session in its browser’s cookie, so it cannot tell where else you are signed in." }
            p.hint { "Start it with " code { "--store sqlite" } " to see and end your sessions here." }
        },
        Err(error) => return Err(error),
    };
    let body = html! {
        h1 { "Devices of " (login.user) }
        section.panel { (body) }
    };
    Ok(page.show("Devices", &body))
}

/// Ends one session. From the next request on, that browser is a guest.
pub(super) async fn end(
    _login: Session<Login>,
    session: CurrentSession,
    Form(form): Form<End>,
) -> Result<Response, SessionError> {
    if let Ok(id) = form.id.parse() {
        session.revoke::<Login>(id).await?;
    }
    Ok(Redirect::to("/devices").into_response())
}

/// Ends all sessions of the user but this one.
pub(super) async fn end_others(
    _login: Session<Login>,
    session: CurrentSession,
    mut shop: Session<Shop>,
) -> Result<Redirect, SessionError> {
    let count = session.revoke_others::<Login>().await?;
    shop.notice = Some(match count {
        1 => "You are signed out on one other device.".to_owned(),
        count => format!("You are signed out on {count} other devices."),
    });
    Ok(Redirect::to("/devices"))
}

/// The name of this browser, as shown to the user.
pub(super) fn name(headers: &HeaderMap) -> String {
    let agent = headers.get(USER_AGENT).and_then(|it| it.to_str().ok());
    let agent = agent.unwrap_or_default();
    let first_in = |words: &[&'static str]| words.iter().find(|it| agent.contains(**it)).copied();
    // Browsers also claim to be other browsers, so the more specific name comes first.
    let browser = first_in(&["Firefox", "Edg", "Chrome", "Safari", "curl"]);
    let system = first_in(&["Android", "iPhone", "Windows", "Macintosh", "Linux"]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        _ => String::new(),
    }
}

fn devices(list: &[ListedSession]) -> Markup {
    html! {
        ul.lines { @for session in list { (row(session, &name_in(list, session))) } }
        @if list.len() > 1 {
            form method="post" action="/devices/end-others" {
                button.quiet.wide { "Sign out everywhere else" }
            }
        }
    }
}

fn row(session: &ListedSession, name: &str) -> Markup {
    html! {
        li {
            div {
                strong { (name) }
                @if session.is_current { " " em.badge { "This device" } }
                @if session.bound { " " em.badge { "Only on its own device" } }
                span {
                    "Signed in " (ago(session.created_at)) " · last active " (ago(session.last_seen_at))
                }
            }
            @if !session.is_current {
                form method="post" action="/devices/end" {
                    input type="hidden" name="id" value=(session.id);
                    button.quiet aria-label={ "Sign out " (name) } { "Sign out" }
                }
            }
        }
    }
}

/// The displayed name of a session. Sessions with the same label are numbered, the oldest first.
fn name_in(list: &[ListedSession], session: &ListedSession) -> String {
    let label = |session: &ListedSession| session.label().unwrap_or("Unknown browser").to_owned();
    let age = |session: &ListedSession| (session.created_at, session.id.to_string());
    let (name, own) = (label(session), age(session));
    let twins = || list.iter().filter(|other| label(other) == name);
    if twins().count() < 2 {
        return name;
    }
    let number = twins().filter(|other| age(other) <= own).count();
    format!("{name} ({number})")
}

fn ago(time: Timestamp) -> String {
    match SystemClock.now().since(time).as_secs() {
        0..60 => "just now".to_owned(),
        60..120 => "a minute ago".to_owned(),
        seconds @ ..3_600 => format!("{} minutes ago", seconds / 60),
        seconds => format!("{} h ago", seconds / 3_600),
    }
}
