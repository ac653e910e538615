//! A site that accepts a token or a cookie: a request may send only one of them.

use http::{Method, StatusCode};
use starsessions::config::{FailurePolicy, Transport};
use starsessions::{CurrentSession, SessionError};
use starsessions_tests::client::{Client, Reply};
use starsessions_tests::routing::post;

use super::{App, Site, User, beside, routes, served, signed_in};

/// A browser that has signed in with a cookie.
async fn browser(site: &Site) -> Client {
    let mut browser = site.serve(routes());
    assert!(browser.post("/login/8").await.sets_cookie());
    browser
}

async fn with_both(browser: &Client, method: Method, path: &str, token: &str) -> Reply {
    let authorization = format!("Bearer {token}");
    let headers = [("authorization", authorization.as_str())];
    browser.ask_with(method, path, &headers).await
}

#[tokio::test]
async fn browsers_keep_their_cookie_and_applications_their_token() {
    let site = beside();
    let mut browser = browser(&site).await;
    let app = signed_in(&site).await;
    assert_eq!(browser.get("/me").await.body, "8");
    assert_eq!(app.get("/me").await.body, "7");
    assert_eq!(
        browser.get("/me").await.all("vary"),
        ["authorization", "Cookie"]
    );
    assert_eq!(site.rows(), 2);
    browser.post("/logout").await;
    assert_eq!(browser.get("/me").await.body, "guest");
    assert_eq!(app.get("/me").await.body, "7");
}

#[tokio::test]
async fn the_explain_header_says_why_both_are_refused() {
    let transport = Transport::bearer().beside_cookie();
    let site = Site::with(|layer| layer.explain(true).transport(transport));
    let browser = browser(&site).await;
    let app = signed_in(&site).await;
    let token = app.token.as_deref().unwrap();
    let reply = with_both(&browser, Method::GET, "/me", token).await;
    let said = reply.all("x-session-explain").join("");
    assert!(
        said.starts_with("not loaded: the request shows more than one credential"),
        "{said}"
    );
}

#[tokio::test]
async fn a_request_that_shows_both_is_refused_and_changes_nothing() {
    let site = beside();
    let browser = browser(&site).await;
    let app = signed_in(&site).await;
    let token = app.token.as_deref().unwrap();
    let dead = signed_in(&site).await;
    dead.post("/logout").await;
    let dead = dead.token.as_deref().unwrap();
    // The request is refused even if the cookie or the token is invalid.
    let stale = browser.showing("__Host-Http-id=stale");
    for (browser, token) in [(&browser, token), (&stale, token), (&browser, dead)] {
        for (method, path) in [
            (Method::GET, "/me"),
            (Method::GET, "/account"),
            (Method::POST, "/cart/tea"),
            (Method::POST, "/login/9"),
            (Method::POST, "/token/9"),
            (Method::POST, "/logout"),
        ] {
            let reply = with_both(browser, method, path, token).await;
            assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{path}");
            assert!(!reply.sets_cookie(), "{path}");
            assert_eq!(
                reply.body,
                "This request shows a cookie beside a token, or two tokens. Send one of them.",
                "{path}"
            );
            let challenge = reply.all("www-authenticate");
            let invalid = [r#"Bearer realm="session", error="invalid_request""#];
            assert_eq!(challenge, invalid, "{path}");
        }
        let reply = with_both(browser, Method::GET, "/", token).await;
        assert_eq!(reply.body, "welcome", "it asks for no session");
    }
    let me = browser.ask(Method::GET, "/me").await;
    assert_eq!((&*me.body, &*app.get("/me").await.body), ("8", "7"));
    assert_eq!(app.get("/cart").await.body, "");
    assert_eq!(site.rows(), 2);
}

#[tokio::test]
async fn a_second_line_beside_a_token_is_refused() {
    for site in [super::alone(), beside()] {
        let app = signed_in(&site).await;
        let ours = format!("Bearer {}", app.token.as_deref().unwrap());
        let client = Client::new(&served(&site));
        for second in [ours.as_str(), "Basic eDp5", "Bearer a.b.c"] {
            let headers = [("authorization", ours.as_str()), ("authorization", second)];
            let reply = client.ask_with(Method::GET, "/me", &headers).await;
            assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{second}");
        }
    }
}

#[tokio::test]
async fn credentials_of_another_system_are_no_session_and_do_no_harm() {
    let site = beside();
    let browser = browser(&site).await;
    let long = "a".repeat(60_000);
    for foreign in [
        "Bearer eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiI3In0.c2ln",
        "Basic eDp5",
        "Bearer",
        "",
        long.as_str(),
    ] {
        let headers = [("authorization", foreign)];
        let me = browser.ask_with(Method::GET, "/me", &headers).await;
        assert_eq!(me.body, "8", "{foreign:.20}");
        let guest = Client::new(&served(&site));
        let me = guest.ask_with(Method::GET, "/me", &headers).await;
        assert_eq!((me.status, &*me.body), (StatusCode::OK, "guest"));
        let begun = guest.ask_with(Method::POST, "/cart/tea", &headers).await;
        assert!(begun.sets_cookie(), "a guest like any other");
    }
}

#[tokio::test]
async fn a_page_with_a_cookie_gets_no_token() {
    let site = beside();
    let browser = browser(&site).await;
    for path in ["/token", "/token/7"] {
        let reply = browser.ask(Method::POST, path).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{path}");
        assert!(!reply.sets_cookie(), "{path}");
    }
    assert_eq!(browser.clone().get("/me").await.body, "8");
    assert_eq!(site.rows(), 1);
}

#[tokio::test]
async fn what_was_begun_for_a_cookie_and_is_handed_out_goes_by_the_token() {
    let site = beside();
    let begin = |session: CurrentSession| async move {
        session.insert(User { user: 7 })?;
        session.commit().await?;
        Ok::<_, SessionError>(session.bearer_token().await?.as_str().to_owned())
    };
    let routes = routes().route("/begin", post(begin));
    let mut app = App::new(&routes.layer(site.sessions.layer()));
    app.take("/begin").await;
    assert_eq!(app.get("/account").await.body, "user 7");
}

#[tokio::test]
async fn a_session_by_a_token_is_not_bound_to_a_device() {
    use starsessions::config::Transport;
    let site = Site::with(|layer| {
        let layer = layer.transport(Transport::bearer().beside_cookie());
        layer.device_bound(|device| device)
    });
    let invitation = "secure-session-registration";
    let mut browser = site.serve(routes());
    let reply = browser.post("/login/8").await;
    assert!(reply.headers.contains_key(invitation));
    let reply = super::app(&site).post("/token/7").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert!(!reply.headers.contains_key(invitation));
}

/// A store failure is an outage, but two credentials are a mistake of the client.
#[tokio::test]
async fn a_layer_that_takes_an_outage_for_a_guest_refuses_both_as_well() {
    let site = Site::with(|layer| {
        let layer = layer.transport(Transport::bearer().beside_cookie());
        layer.on_store_failure(FailurePolicy::ReadOnlyGuest)
    });
    let browser = browser(&site).await;
    let app = signed_in(&site).await;
    let token = app.token.as_deref().unwrap();
    let reply = with_both(&browser, Method::GET, "/me", token).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_sign_in_whose_token_is_refused_is_dropped_whatever_the_handler_says() {
    let sign_in = post(async |session: CurrentSession| {
        session.insert(User { user: 7 })?;
        assert!(session.bearer_token().await.is_err());
        Ok::<_, SessionError>(())
    });
    let site = Site::new();
    let mut browser = site.serve(routes().route("/try", sign_in));
    let reply = browser.post("/try").await;
    assert_eq!((reply.status, reply.sets_cookie()), (StatusCode::OK, false));
    assert_eq!(site.rows(), 0);
}
