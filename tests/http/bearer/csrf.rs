//! A session with a token needs no proof of a request's origin; a cookie does, whatever is sent beside it.

use axum::Router;
use axum::middleware::from_extractor;
use http::{Method, StatusCode};
use starsessions::python::{CookieStore, Sessions};
use starsessions::takeover::TakeOver;
use starsessions::{CsrfLayer, Session};
use starsessions_tests::client::{App, Client};
use starsessions_tests::routing::post;
use starsessions_tests::site::Site;

use super::{alone, beside, routes, signed_in};

fn guarded(site: &Site) -> Router {
    routes()
        .layer(CsrfLayer::new())
        .layer(site.sessions.layer())
}

const FOREIGN: (&str, &str) = ("sec-fetch-site", "cross-site");

async fn buy(client: &Client, token: Option<&str>, headers: &[(&str, &str)]) -> StatusCode {
    let shown = token.map(|token| format!("Bearer {token}"));
    let shown = shown
        .as_ref()
        .map(|shown| ("authorization", shown.as_str()));
    let headers: Vec<_> = headers.iter().copied().chain(shown).collect();
    client
        .ask_with(Method::POST, "/cart/tea", &headers)
        .await
        .status
}

#[tokio::test]
async fn a_session_by_a_token_passes_wherever_its_request_comes_from() {
    for site in [alone(), beside()] {
        let app = signed_in(&site).await;
        let client = Client::new(&guarded(&site));
        let token = app.token.as_deref();
        for headers in [&[][..], &[FOREIGN], &[("origin", "https://evil.example")]] {
            assert_eq!(buy(&client, token, headers).await, OK, "{headers:?}");
        }
        assert_eq!(app.get("/cart").await.body, "tea,tea,tea");
    }
}

#[tokio::test]
async fn a_cookie_is_checked_whatever_the_request_says_beside_it() {
    let site = beside();
    let guarded = guarded(&site);
    let mut browser = Client::new(&guarded);
    let own = [("sec-fetch-site", "same-origin")];
    let login = browser.ask_with(Method::POST, "/login/8", &own).await;
    browser.keep(&login);
    let dead = signed_in(&site).await;
    dead.post("/logout").await;
    let live = signed_in(&site).await;
    for (token, status) in [
        (None, NO),
        (Some("a.b.c"), NO),
        (dead.token.as_deref(), StatusCode::BAD_REQUEST),
        (live.token.as_deref(), StatusCode::BAD_REQUEST),
    ] {
        for headers in [&[][..], &[FOREIGN]] {
            assert_eq!(buy(&browser, token, headers).await, status, "{token:?}");
        }
    }
    assert_eq!(browser.get("/cart").await.body, "");
    // A malformed token proves nothing for a guest either.
    let guest = Client::new(&guarded);
    for token in [None, Some("a.b.c")] {
        for headers in [&[][..], &[FOREIGN]] {
            assert_eq!(buy(&guest, token, headers).await, NO, "{token:?}");
        }
    }
}

/// The 401 tells an application to sign in again, as after a `GET`.
#[tokio::test]
async fn a_token_whose_session_has_ended_gets_a_401_and_does_nothing() {
    for (site, headers) in [
        (beside(), &[][..]),
        (beside(), &[FOREIGN]),
        (alone(), &[FOREIGN]),
    ] {
        let dead = signed_in(&site).await;
        dead.post("/logout").await;
        let shown = format!("Bearer {}", dead.token.as_deref().unwrap());
        let headers = [headers, &[("authorization", shown.as_str())]].concat();
        let client = Client::new(&guarded(&site));
        let reply = client.ask_with(Method::POST, "/cart/tea", &headers).await;
        assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{headers:?}");
        let invalid = [r#"Bearer realm="session", error="invalid_token""#];
        assert_eq!(reply.all("www-authenticate"), invalid, "{headers:?}");
        assert_eq!(site.rows(), 0);
    }
}

#[tokio::test]
async fn a_tool_signs_in_where_there_is_no_cookie_and_a_page_of_another_site_does_not() {
    let site = alone();
    let mut app = App::new(&guarded(&site));
    app.take("/token/7").await;
    assert_eq!(app.get("/me").await.body, "7");
    let page = Client::new(&guarded(&site));
    let reply = page.ask_with(Method::POST, "/token/7", &[FOREIGN]).await;
    assert_eq!(reply.status, NO);
    // Where cookies are accepted too, a sign-in that does not show its origin could be sent by any site.
    let site = beside();
    assert_eq!(App::new(&guarded(&site)).post("/token/7").await.status, NO);
}

/// The token is the thief's own; the cookie of the other realm is the user's.
#[tokio::test]
async fn a_token_of_one_realm_stands_for_no_cookie_of_another() {
    #[derive(Session)]
    #[session(realm = "admin")]
    struct Desk {
        visits: u32,
    }
    async fn visit(mut desk: Session<Desk>) -> String {
        desk.visits += 1;
        desk.visits.to_string()
    }
    let admin = Site::with(|layer| layer.realm("admin").cookie(|cookie| cookie.name("admin")));
    for site in [alone(), beside()] {
        let thief = signed_in(&site).await;
        let routes = routes().route("/visit", post(visit));
        let routes = routes.layer(CsrfLayer::new()).layer(site.sessions.layer());
        let mut user = admin.serve(routes);
        let own = [("sec-fetch-site", "same-origin")];
        let first = user.ask_with(Method::POST, "/visit", &own).await;
        assert_eq!(first.body, "1");
        user.keep(&first);
        let authorization = format!("Bearer {}", thief.token.as_deref().unwrap());
        let shown = ("authorization", authorization.as_str());
        for headers in [&[FOREIGN, shown][..], &[shown], &[("origin", "null")]] {
            let reply = user.ask_with(Method::POST, "/visit", headers).await;
            assert_eq!(reply.status, NO, "{headers:?}");
        }
        let both = [own[0], shown];
        assert_eq!(user.ask_with(Method::POST, "/visit", &both).await.body, "2");
    }
}

/// A token is no proof for a cookie of another library either, before or after the other realm takes its session over.
#[tokio::test]
async fn a_token_stands_for_no_cookie_that_another_realm_takes_over() {
    #[derive(Session)]
    #[session(realm = "admin")]
    struct Desk {
        visits: u32,
    }
    let secret = "a secret that Python has as well";
    let admin = Site::with(|layer| {
        let former = Sessions::new(CookieStore::new(secret));
        let take = TakeOver::new(former, |former, taken| {
            taken.insert_if(former.view::<Desk>())
        });
        let layer = layer.realm("admin").cookie(|cookie| cookie.name("admin"));
        layer.take_over(take)
    });
    let now = starsessions::config::Clock::now(admin.clock());
    let former = CookieStore::new(secret).sign(br#"{"visits": 5}"#, now);
    let site = alone();
    let thief = signed_in(&site).await;
    let authorization = format!("Bearer {}", thief.token.as_deref().unwrap());
    let shown = ("authorization", authorization.as_str());
    let visit = post(async |desk: Session<Desk>| desk.visits.to_string());
    let guarded = routes().route("/visit", visit).layer(CsrfLayer::new());
    let seen_before = guarded.clone().layer(from_extractor::<Session<Desk>>());
    for routes in [guarded, seen_before] {
        let user = admin.serve(routes.layer(site.sessions.layer()));
        let user = user.showing(format!("session={former}"));
        for headers in [&[FOREIGN, shown][..], &[shown]] {
            let reply = user.ask_with(Method::POST, "/visit", headers).await;
            assert_eq!(reply.status, NO, "{headers:?}");
        }
        let own = [("sec-fetch-site", "same-origin")];
        assert_eq!(user.ask_with(Method::POST, "/visit", &own).await.body, "5");
    }
}

#[tokio::test]
async fn a_websocket_is_opened_by_a_token_and_not_by_a_cookie_of_another_site() {
    let site = beside();
    let live = signed_in(&site).await;
    let mut browser = site.serve(routes());
    browser.post("/login/8").await;
    let cookie = browser.cookies().unwrap();
    let authorization = format!("Bearer {}", live.token.as_deref().unwrap());
    let handshake = [
        ("host", "shop.example"),
        ("connection", "upgrade"),
        ("upgrade", "websocket"),
        ("origin", "https://evil.example"),
    ];
    let client = Client::new(&guarded(&site));
    for (shown, status) in [
        (("authorization", authorization.as_str()), OK),
        (("cookie", cookie.as_str()), NO),
    ] {
        let headers = [&handshake[..], &[shown]].concat();
        let reply = client.ask_with(Method::GET, "/me", &headers).await;
        assert_eq!(reply.status, status, "{shown:?}");
    }
}

const OK: StatusCode = StatusCode::OK;
const NO: StatusCode = StatusCode::FORBIDDEN;
