//! `starsessions cookie explain`.

use axum::Router;
use starsessions::value::{OldValue, ValueError};
use starsessions::{
    CookieStore, CurrentSession, KeyRing, Session, SessionError, SessionLayer, SqliteStore,
};
use starsessions_tests::client::Client;
use starsessions_tests::routing::get;

use crate::{Done, folder, new_key, run, text};

#[derive(Session)]
struct Login {
    #[session(required, rotate, index)]
    user: String,
    #[session(expires = "10m", version = 3, migrate = never)]
    coupon: Option<String>,
}

fn never(_: OldValue<'_>) -> Result<String, ValueError> {
    Ok(String::new())
}

async fn sign_in(session: CurrentSession) -> Result<(), SessionError> {
    session.insert(Login {
        user: "very-secret-name".to_owned(),
        coupon: Some("very-secret-code".to_owned()),
    })
}

async fn sign_out(session: CurrentSession) -> Result<(), SessionError> {
    session.destroy()
}

/// The `Set-Cookie` line of a sign-in, and the signed-in browser.
async fn signed_in(layer: SessionLayer) -> (String, Client) {
    let app = Router::new()
        .route("/in", get(sign_in))
        .route("/out", get(sign_out));
    let mut client = Client::new(&app.layer(layer));
    let reply = client.get("/in").await;
    (format!("Set-Cookie: {}", reply.set_cookies()[0]), client)
}

/// Asserts that the output describes the session, but contains none of its values.
#[track_caller]
fn shows_the_session(done: &Done, kind: &str) {
    let json = done.well().json();
    assert_eq!(json["kind"], kind);
    assert_eq!(json["key"], "active");
    let session = &json["session"];
    assert_eq!(session["revision"], 1);
    let (began, ends) = (
        session["created_at"].as_u64(),
        session["expires_at"].as_u64(),
    );
    assert_eq!(ends.unwrap() - began.unwrap(), 3600, "the idle timeout");
    let names: Vec<_> = session["fields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|field| &field["name"])
        .collect();
    assert_eq!(names, ["login.coupon", "login.user"]);
    let [coupon, user] = [0, 1].map(|place| &session["fields"][place]);
    assert_eq!(
        (&coupon["version"], &coupon["indexed"]),
        (&3.into(), &false.into())
    );
    assert_eq!(coupon["ends_at"].as_u64().unwrap() - began.unwrap(), 600);
    assert_eq!(
        (&user["version"], &user["indexed"]),
        (&1.into(), &true.into())
    );
    hides_values(done);
}

#[track_caller]
fn hides_values(done: &Done) {
    for secret in ["very-secret", "dmVyeS1zZWNyZXQ"] {
        assert!(
            !done.out.contains(secret) && !done.err.contains(secret),
            "{done:?}"
        );
    }
}

#[tokio::test]
async fn a_session_in_its_cookie_is_explained_without_its_values() {
    let key = new_key();
    for (store, kind) in [
        (CookieStore::sealed(), "sealed"),
        (CookieStore::signed(), "signed"),
    ] {
        let layer = SessionLayer::new(store, KeyRing::parse(&key).unwrap());
        let (line, _) = signed_in(layer).await;
        shows_the_session(&run(&["cookie", "explain", "--json"], &key, &line), kind);
        let text = run(&["cookie", "explain"], &key, &line);
        assert!(
            text.well().out.contains("field        login.coupon: "),
            "{text:?}"
        );
        hides_values(&text);

        let value = line.split(['=', ';']).nth(1).unwrap();
        let found = run(&["cookie", "explain", value, "--json"], &key, "");
        shows_the_session(&found, kind);
    }
}

#[tokio::test]
async fn a_session_in_a_store_is_explained_and_after_its_logout_it_is_said_to_have_ended() {
    let (folder, key) = (folder(), new_key());
    let path = folder.join("sessions.db");
    let layer = SessionLayer::builder(
        SqliteStore::open(&path).unwrap(),
        KeyRing::parse(&key).unwrap(),
    );
    let layer = layer.audience("shop").build().unwrap();
    let (line, mut client) = signed_in(layer).await;

    let url = format!("sqlite:{}", text(&path));
    let store = [
        "cookie",
        "explain",
        "--json",
        "--store",
        &url,
        "--audience",
        "shop",
    ];
    shows_the_session(&run(&store, &key, &line), "stored");

    let alone = run(&["cookie", "explain"], &key, &line);
    assert!(alone.well().out.contains("--store URL"), "{alone:?}");
    let other = run(&["cookie", "explain", "--store", &url], &key, &line);
    assert_eq!(
        other.code, 3,
        "the keys of another audience lead nowhere: {other:?}"
    );

    client.get("/out").await;
    let ended = run(&store, &key, &line);
    assert_eq!(ended.code, 3, "{ended:?}");
    assert_eq!(ended.json()["session"], serde_json::Value::Null);
    assert!(
        ended.json()["refused"]
            .as_str()
            .unwrap()
            .contains("no such session")
    );
}

#[tokio::test]
async fn keys_of_another_deployment_are_told_from_those_of_this_one() {
    let (key, other) = (new_key(), new_key());
    let layer = SessionLayer::new(CookieStore::sealed(), KeyRing::parse(&key).unwrap());
    let (line, _) = signed_in(layer).await;

    let accepted = run(
        &["cookie", "explain", "--json"],
        &format!("{other},{key}"),
        &line,
    );
    assert_eq!(accepted.well().json()["key"], "accepted");
    let unknown = run(&["cookie", "explain", "--json"], &other, &line);
    assert_eq!(
        (unknown.code, &unknown.json()["key"]),
        (3, &"unknown".into())
    );
    let missing = run(&["cookie", "explain"], "", &line);
    missing.fails(1, "SESSION_KEYS: it is not set");

    let renamed = line.replace("__Host-Http-id", "__Host-Http-other");
    let renamed = run(&["cookie", "explain", "--json"], &key, &renamed);
    assert_eq!(
        renamed.code, 3,
        "a cookie is bound to its name: {renamed:?}"
    );
}
