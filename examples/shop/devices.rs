//! Where the user is signed in, and a way to end it there.

use axum::Form;
use axum::http::HeaderMap;
use axum::http::header::USER_AGENT;
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use starsessions::config::{Clock, SystemClock};
use starsessions::session::ListedSession;
use starsessions::{CurrentSession, Session, SessionError, Timestamp};

use super::page::{Page, Text};
use super::sessions::{Login, Shop};

/// What the button beside a session sends.
#[derive(Deserialize)]
pub(super) struct End {
    id: String,
}

/// The list, for users only.
pub(super) async fn show(
    page: Page,
    login: Session<Login>,
    session: CurrentSession,
) -> Result<Html<String>, SessionError> {
    let user = Text(&login.user);
    let list = match session.list::<Login>().await {
        Err(error @ SessionError::Unlisted) => {
            let body = format!(r#"<section class="panel"><p>{error}.</p></section>"#);
            return Ok(page.show("Devices", &body));
        }
        list => list?,
    };
    let rows: String = list.iter().map(row).collect();
    let others = match list.len() {
        0 | 1 => "",
        _ => {
            r#"<form method="post" action="/devices/end-others">
            <button class="quiet wide">Sign out everywhere else</button></form>"#
        }
    };
    let body = format!(
        r#"<h1>Devices of {user}</h1>
        <section class="panel"><ul class="lines">{rows}</ul>{others}</section>"#
    );
    Ok(page.show("Devices", &body))
}

/// Ends one session: at its next request, that browser is a guest.
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

/// What the user knows this browser by.
pub(super) fn name(headers: &HeaderMap) -> String {
    let agent = headers.get(USER_AGENT).and_then(|it| it.to_str().ok());
    let agent = agent.unwrap_or_default();
    let first_in = |words: &[&'static str]| words.iter().find(|it| agent.contains(**it)).copied();
    // Each of them also calls itself what stands behind it.
    let browser = first_in(&["Firefox", "Edg", "Chrome", "Safari", "curl"]);
    let system = first_in(&["Android", "iPhone", "Windows", "Macintosh", "Linux"]);
    match (browser, system) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        _ => String::new(),
    }
}

fn row(session: &ListedSession) -> String {
    let (begun, seen) = (ago(session.created_at), ago(session.last_seen_at));
    let (id, times) = (
        session.id,
        format!("Signed in {begun} · last active {seen}"),
    );
    let label = Text(session.label().unwrap_or("Unknown browser"));
    if session.is_current {
        return format!(
            r#"<li><div><strong>{label}</strong> <em class="badge">This device</em><span>{times}</span></div></li>"#
        );
    }
    format!(
        r#"<li><div><strong>{label}</strong><span>{times}</span></div>
        <form method="post" action="/devices/end"><input type="hidden" name="id" value="{id}">
        <button class="quiet">Sign out</button></form></li>"#
    )
}

fn ago(time: Timestamp) -> String {
    match SystemClock.now().since(time).as_secs() {
        0..60 => "just now".to_owned(),
        60..120 => "a minute ago".to_owned(),
        seconds @ ..3_600 => format!("{} minutes ago", seconds / 60),
        seconds => format!("{} h ago", seconds / 3_600),
    }
}
