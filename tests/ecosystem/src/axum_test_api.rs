//! axum-test: requests with a seeded session, or with the cookies of a browser.

use axum::Router;
use axum::routing::{get, post};
use axum_test::TestServer;
use starsessions::testing::TestSessions;
use starsessions::{CurrentSession, Session, SessionError};

#[derive(Session)]
struct Login {
    #[session(required, rotate)]
    user: u64,
}

async fn account(login: Session<Login>) -> String {
    format!("user {}", login.user)
}

async fn sign_in(session: CurrentSession) -> Result<(), SessionError> {
    session.insert(Login { user: 7 })
}

fn app() -> Router {
    Router::new()
        .route("/account", get(account))
        .route("/login", post(sign_in))
}

#[tokio::test]
async fn a_session_is_there_before_the_first_request() {
    let test = TestSessions::new();
    let server = TestServer::new(app().layer(test.layer()));
    let cookie = test.cookie_with(Login { user: 7 }).await.unwrap();
    let page = server.get("/account").add_header("cookie", cookie).await;
    page.assert_text("user 7");
    server.get("/account").await.assert_status_unauthorized();
}

#[tokio::test]
async fn the_cookies_of_a_browser_are_kept() {
    let mut server = TestServer::new(app().layer(TestSessions::new().layer()));
    server.save_cookies();
    server.post("/login").await.assert_status_ok();
    server.get("/account").await.assert_text("user 7");
}
