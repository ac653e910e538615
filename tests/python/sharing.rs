//! Both sides share one store, and either may write.

use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use serde_json::Value;
use starsessions::{CurrentSession, KeyRing, Session, SessionError, SessionLayer};
use starsessions_tests::routing::{get, post};

use crate::deployment::{Browser, Kind};

/// The values of `request.session`, by their names.
#[derive(Session)]
#[session(namespace = "python")]
struct Shop {
    #[session(codec = json, merge = sum)]
    cart: u64,
}

#[derive(Session)]
#[session(namespace = "python")]
struct Login {
    #[session(codec = json, required, rotate, rename = "user_id")]
    user: u64,
}

/// Fields that Python does not need.
#[derive(Session)]
struct Ours {
    seen: Vec<String>,
}

fn routes() -> Router {
    Router::new()
        .route("/cart", post(add))
        .route("/seen/{page}", post(see).get(seen))
        .route("/me", get(me))
        .route("/login/{user}", post(login))
        .route("/logout", post(logout))
}

async fn add(mut shop: Session<Shop>) -> String {
    shop.cart += 1;
    shop.cart.to_string()
}

async fn see(Path(page): Path<String>, mut ours: Session<Ours>) {
    ours.seen.push(page);
}

async fn seen(ours: Session<Ours>) -> String {
    ours.seen.join(",")
}

async fn me(login: Option<Session<Login>>) -> String {
    login.map_or("guest".to_owned(), |login| login.user.to_string())
}

async fn login(Path(user): Path<u64>, session: CurrentSession) -> Result<(), SessionError> {
    session.insert(Login { user })
}

async fn logout(session: CurrentSession) -> Result<(), SessionError> {
    session.forget()
}

async fn app(kind: Kind, is_rolling: bool) -> Router {
    let keys = KeyRing::generate().unwrap();
    let layer = SessionLayer::shared_with_python(kind.sessions(is_rolling).await, keys)
        .cookie(|cookie| cookie.secure(false))
        .build()
        .unwrap();
    routes().layer(layer)
}

/// The whole session, as Python sees it.
fn session(browser: &mut Browser<'_>) -> Value {
    serde_json::from_str(&browser.python("GET", "/")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_side_keeps_what_only_the_other_knows() {
    for kind in Kind::all() {
        let (python, rust) = (kind.serve(true), app(kind, true).await);
        let mut browser = Browser::new(&python, &rust);
        let values = r#"{"n": 1180591620717411303424, "f": 0.1, "one": 1.0, "deep": {"a": [null, true, {}]}, "text": "\u00e9\ud83c\udf6a\u0000\u2028", "half": "\ud800", "a key with spaces": [], "none": null}"#;
        browser.python_with("POST", "/put", values);
        browser.rust("POST", "/cart").await;
        browser.rust("POST", "/seen/a").await;
        let whole = browser.python("GET", "/");
        for part in [
            "1180591620717411303424",
            "\"f\": 0.1",
            "\"one\": 1.0",
            "\\ud800",
        ] {
            assert!(whole.contains(part), "{kind:?}: {whole}");
        }
        browser.python("POST", "/cart");
        browser.rust("POST", "/seen/b").await;
        assert_eq!(browser.rust("GET", "/seen/-").await, "a,b", "{kind:?}");
        let whole = browser.python("GET", "/");
        let again: Value = serde_json::from_str(&whole.replace("\\ud800", "")).unwrap();
        let before: Value = serde_json::from_str(&values.replace("\\ud800", "")).unwrap();
        for (name, value) in before.as_object().unwrap() {
            assert_eq!(&again[name], value, "{kind:?}: {name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_in_and_a_logout_count_on_the_other_side() {
    for kind in Kind::all() {
        let (python, rust) = (kind.serve(false), app(kind, false).await);
        let mut browser = Browser::new(&python, &rust);
        browser.python("POST", "/login/7");
        assert_eq!(browser.rust("GET", "/me").await, "7", "{kind:?}");
        let (before, former) = (browser.session().to_owned(), browser.cookie.clone());
        browser.rust("POST", "/login/8").await;
        assert_eq!(session(&mut browser)["user_id"], 8, "{kind:?}");
        if !kind.is_cookie() {
            assert_ne!(browser.session(), before, "a new id");
            assert_eq!(browser.session().len(), 32);
            let mut thief = Browser::new(&python, &rust);
            thief.cookie = former;
            assert_eq!(thief.rust("GET", "/me").await, "guest", "{kind:?}");
            assert_eq!(session(&mut thief), serde_json::json!({}), "{kind:?}");
        }
        let copy = browser.cookie.clone();
        browser.rust("POST", "/logout").await;
        assert_eq!(browser.cookie, None, "{kind:?}");
        assert_eq!(session(&mut browser), serde_json::json!({}), "{kind:?}");
        if !kind.is_cookie() {
            browser.cookie = copy;
            assert_eq!(session(&mut browser), serde_json::json!({}), "{kind:?}");
        }
        browser.cookie = None;
        browser.rust("POST", "/login/9").await;
        browser.python("POST", "/logout");
        assert_eq!(browser.rust("GET", "/me").await, "guest", "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_write_of_ours_is_lost_among_ours() {
    for kind in Kind::all().filter(|kind| !kind.is_cookie()) {
        let (python, rust) = (kind.serve(true), Arc::new(app(kind, true).await));
        let mut browser = Browser::new(&python, &rust);
        browser.python("POST", "/cart");
        let cookie = browser.cookie.clone();
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let client = starsessions_tests::client::Client::new(&rust);
                let client = client.showing(cookie.as_ref().unwrap());
                tokio::spawn(client.ask(http::Method::POST, "/cart"))
            })
            .collect();
        for task in tasks {
            assert!(task.await.unwrap().status.is_success());
        }
        assert_eq!(browser.python("POST", "/cart"), "22", "{kind:?}");
    }
}
