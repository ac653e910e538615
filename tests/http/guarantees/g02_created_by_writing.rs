//! G2: reading, asking for metadata or logging out creates no row and sets no cookie.

use axum::Router;
use http::StatusCode;
use starsessions::{CurrentSession, Session};
use starsessions_tests::routing::{MethodRouter, any};
use starsessions_tests::site::Site;
use starsessions_tests::spy::Calls;

use starsessions_tests::shop::{Login, Shop};

/// Every use of a session that stores nothing in it.
fn harmless() -> Vec<(&'static str, MethodRouter)> {
    vec![
        (
            "read",
            any(async |shop: Session<Shop>| shop.cart.len().to_string()),
        ),
        (
            "ask for a login",
            any(async |login: Option<Session<Login>>| login.is_some().to_string()),
        ),
        (
            "get",
            any(async |all: CurrentSession| all.get::<Shop>().await.map(|_| ())),
        ),
        (
            "info",
            any(async |all: CurrentSession| all.info().await.map(|info| format!("{info:?}"))),
        ),
        ("log out", any(async |all: CurrentSession| all.destroy())),
        ("rotate", any(async |all: CurrentSession| all.rotate())),
        (
            "remember",
            any(async |all: CurrentSession| all.remember(true)),
        ),
        (
            "set a label",
            any(async |all: CurrentSession| all.set_label("Firefox")),
        ),
        (
            "remove",
            any(async |all: CurrentSession| all.remove::<Shop>()),
        ),
        (
            "commit",
            any(async |all: CurrentSession| all.commit().await),
        ),
        (
            "reload",
            any(async |mut shop: Session<Shop>| shop.reload().await),
        ),
        (
            "borrow mutably",
            any(async |mut shop: Session<Shop>| shop.cart.clear()),
        ),
        (
            "change and change back",
            any(async |mut shop: Session<Shop>| {
                shop.views += 1;
                shop.views -= 1;
            }),
        ),
        (
            "write and roll back",
            any(async |all: CurrentSession| {
                all.insert(Login { user: 7 }).unwrap();
                all.rollback();
            }),
        ),
        (
            "sign in and out",
            any(async |all: CurrentSession| {
                all.insert(Login { user: 7 }).unwrap();
                all.destroy()
            }),
        ),
    ]
}

#[tokio::test]
async fn g02_nothing_but_writing_creates_a_session() {
    for (what, handler) in harmless() {
        let site = Site::new();
        let mut visitor = site.serve(Router::new().route("/", handler));
        let reply = visitor.get("/").await;
        assert_eq!(reply.status, StatusCode::OK, "{what}");
        assert!(!reply.sets_cookie(), "{what}: {:?}", reply.set_cookies());
        assert_eq!(site.store.take_calls(), Calls::NONE, "{what}");
    }
}

#[tokio::test]
async fn g02_nothing_but_writing_creates_a_session_for_an_unknown_id() {
    let unknown = {
        let mut other = Site::new().serve(starsessions_tests::shop::routes());
        other.post("/views").await;
        other.cookies().unwrap()
    };
    for (what, handler) in harmless() {
        let site = Site::new();
        let visitor = site.serve(Router::new().route("/", handler));
        let reply = visitor.showing(&unknown).get("/").await;
        assert_eq!(reply.status, StatusCode::OK, "{what}");
        assert_eq!(site.store.take_calls().writes(), 0, "{what}");
        let kept = reply
            .set_cookies()
            .into_iter()
            .filter(|line| !line.contains("Max-Age=0"));
        assert_eq!(kept.count(), 0, "{what}: {:?}", reply.set_cookies());
    }
}

#[tokio::test]
async fn g02_the_first_change_creates_one_session() {
    let site = Site::new();
    let write = any(async |mut shop: Session<Shop>| shop.views += 1);
    let mut visitor = site.serve(Router::new().route("/", write));
    assert_eq!(visitor.get("/").await.set_cookies().len(), 1);
    assert_eq!(
        site.store.take_calls(),
        Calls {
            inserts: 1,
            ..Calls::NONE
        }
    );
}
