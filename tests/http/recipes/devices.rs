//! Several devices.

use axum::{Form, Json, http::HeaderMap};
use starsessions::session::PublicSessionId;
use starsessions::{CurrentSession, Session, SessionError};

#[derive(Session)]
#[session(reject = "/login")]
struct Login {
    #[session(required, rotate, index)]
    user: u64,
}

async fn sign_in(session: CurrentSession, headers: HeaderMap) -> Result<(), SessionError> {
    // .. after the password was checked:
    session.insert(Login { user: 7 })?;
    let agent = headers.get("user-agent");
    let agent = agent.and_then(|agent| agent.to_str().ok());
    session.set_label(
        agent
            .unwrap_or("unknown")
            .chars()
            .take(60)
            .collect::<String>(),
    )
}

/// One line for each device; a form sends the id of the one to end.
async fn devices(
    _login: Session<Login>,
    session: CurrentSession,
) -> Result<Json<Vec<String>>, SessionError> {
    let list = session.list::<Login>().await?;
    let lines = list.iter().map(|it| {
        let this = if it.is_current { " (this device)" } else { "" };
        format!("{}{this} {}", it.label().unwrap_or("a browser"), it.id)
    });
    Ok(Json(lines.collect()))
}

#[derive(serde::Deserialize)]
struct End {
    id: String,
}

async fn end(
    _login: Session<Login>,
    session: CurrentSession,
    Form(form): Form<End>,
) -> Result<(), SessionError> {
    if let Ok(id) = form.id.parse::<PublicSessionId>() {
        session.revoke::<Login>(id).await?; // finds sessions of this user only
    }
    Ok(())
}

async fn change_password(
    _login: Session<Login>,
    session: CurrentSession,
) -> Result<(), SessionError> {
    // .. after the new password was saved:
    session.revoke_others::<Login>().await?;
    session.rotate()
}

// What the page leaves out.

#[tokio::test]
async fn a_user_sees_the_devices_and_ends_them() {
    use axum::routing::{get, post};
    use starsessions_tests::site::Site;

    let routes = axum::Router::new()
        .route("/login", post(sign_in))
        .route("/devices", get(devices).post(end))
        .route("/password", post(change_password));
    let here = Site::new().serve(routes);
    let [mut here, mut phone, mut laptop] = [here.clone(), here.clone(), here];
    for (browser, agent) in [
        (&mut here, "Firefox"),
        (&mut phone, "Phone"),
        (&mut laptop, "Laptop"),
    ] {
        let reply = browser
            .submit_with("/login", "", &[("user-agent", agent)])
            .await;
        browser.keep(&reply);
    }
    let list = here.get("/devices").await.body;
    let mut lines: Vec<String> = serde_json::from_str(&list).unwrap();
    lines.sort();
    assert!(lines[0].starts_with("Firefox (this device) "), "{list}");
    let id = lines[2].strip_prefix("Phone ").unwrap();
    here.submit("/devices", &format!("id={id}")).await;
    phone.get("/devices").await.leads_to("/login");
    assert_eq!(laptop.get("/devices").await.status, 200);
    here.post("/password").await;
    laptop.get("/devices").await.leads_to("/login");
    let left: Vec<String> = serde_json::from_str(&here.get("/devices").await.body).unwrap();
    assert_eq!(left.len(), 1);
}
