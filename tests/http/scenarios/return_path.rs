//! 4. A guest is redirected back to the requested page, and to no other site.

use axum::extract::{Query, Request};
use axum::middleware::{self, from_fn};
use axum::response::{Redirect, Response};
use axum::{Form, Router};
use http::{Method, StatusCode};
use serde::Deserialize;
use starsessions::{CurrentSession, LocalPath, Session, SessionError, SessionRejection};
use starsessions_tests::client::Client;
use starsessions_tests::routing::{any, get};
use starsessions_tests::site::Site;
use tower::ServiceBuilder;

#[derive(Session)]
#[session(namespace = "login", reject = "/login?next={path}")]
struct Login {
    #[session(required, rotate)]
    user: u64,
}

#[derive(Deserialize)]
struct Next {
    #[serde(default)]
    next: LocalPath,
}

async fn page(login: Session<Login>) -> String {
    login.user.to_string()
}

async fn login_page(Query(to): Query<Next>) -> String {
    to.next.to_string()
}

async fn sign_in(session: CurrentSession, Form(to): Form<Next>) -> Result<Redirect, SessionError> {
    session.insert(Login { user: 7 })?;
    Ok(Redirect::to(to.next.as_str()))
}

async fn guard(
    session: CurrentSession,
    request: Request,
    next: middleware::Next,
) -> Result<Response, SessionRejection> {
    session.view::<Login>().await?;
    Ok(next.run(request).await)
}

fn guest() -> Client {
    let account = Router::new().route("/{*rest}", any(page));
    let routes = Router::new()
        .route("/guarded", any(page))
        .layer(from_fn(guard))
        .route("/account", any(page))
        .nest("/nested", account)
        .route("/login", get(login_page).post(sign_in));
    Site::new().serve(routes)
}

#[tokio::test]
async fn scenario_04_a_guest_comes_back_to_the_page() {
    for (path, next) in [
        ("/account", "%2Faccount"),
        ("/account?tab=2&x=%20a", "%2Faccount%3Ftab%3D2%26x%3D%2520a"),
        ("/nested/a/b?c", "%2Fnested%2Fa%2Fb%3Fc"),
        ("/guarded?tab=2", "%2Fguarded%3Ftab%3D2"),
    ] {
        let mut guest = guest();
        let reply = guest.get(path).await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER);
        assert_eq!(
            reply.location(),
            Some(format!("/login?next={next}").as_str())
        );
        assert_eq!(guest.get(reply.location().unwrap()).await.body, path);
        let reply = guest.submit("/login", &format!("next={next}")).await;
        assert_eq!(reply.location(), Some(path));
        assert_eq!(guest.get(path).await.body, "7");
    }
}

#[tokio::test]
async fn scenario_04_wherever_the_layer_is_the_way_back_is_what_the_browser_asked_for() {
    let site = Site::new();
    let account = || Router::new().route("/account", any(page));
    let within = Router::new().nest("/shop", account().layer(site.sessions.layer()));
    let deep = Router::new().nest("/shop", Router::new().nest("/a", account()));
    let deep = Router::new().nest("/de", deep.layer(site.sessions.layer()));
    // A layer in between removes the language from the path, because the routers do not know it.
    let without_language = |mut request: Request| {
        let path = request.uri().path().trim_start_matches("/de").to_owned();
        *request.uri_mut() = path.parse().expect("a path");
        request
    };
    let outside = ServiceBuilder::new()
        .layer(site.sessions.layer())
        .map_request(without_language)
        .service(Router::new().nest("/shop", account()));
    let outside = Router::new().fallback_service(outside);
    for (app, path) in [
        (within, "/shop/account"),
        (deep, "/de/shop/a/account"),
        (outside, "/de/shop/account"),
    ] {
        let reply = Client::new(&app).get(path).await;
        let next = path.replace('/', "%2F");
        assert_eq!(
            reply.location(),
            Some(format!("/login?next={next}").as_str())
        );
    }
}

#[tokio::test]
async fn scenario_04_nobody_is_led_to_another_site() {
    let mut guest = guest();
    for next in [
        "//evil.example",
        "/%5Cevil.example",
        "https://evil.example",
        "/%09/evil.example",
        "/%0d%0aSet-Cookie:a=b",
    ] {
        let reply = guest.get(&format!("/login?next={next}")).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{next}");
    }
    for nowhere in ["/login", "/login?next="] {
        assert_eq!(guest.get(nowhere).await.body, "/");
    }
    let long = format!("/account?{}", "a".repeat(2048));
    assert_eq!(guest.get(&long).await.location(), Some("/login?next=%2F"));
}

#[tokio::test]
async fn scenario_04_only_people_are_led_back() {
    let guest = guest();
    let json = ("accept", "application/json");
    let html = ("accept", "text/html,application/json");
    let script = ("sec-fetch-mode", "cors");
    let link = ("sec-fetch-mode", "navigate");
    // Chromium's handshake says nothing else of what it is.
    let socket = ("upgrade", "websocket");
    for (method, headers, status) in [
        (Method::GET, &[][..], StatusCode::SEE_OTHER),
        (Method::HEAD, &[][..], StatusCode::SEE_OTHER),
        (Method::GET, &[html][..], StatusCode::SEE_OTHER),
        (Method::GET, &[link, json][..], StatusCode::SEE_OTHER),
        (Method::GET, &[json][..], StatusCode::UNAUTHORIZED),
        (Method::GET, &[script][..], StatusCode::UNAUTHORIZED),
        (Method::GET, &[script, html][..], StatusCode::UNAUTHORIZED),
        (Method::POST, &[link, html][..], StatusCode::UNAUTHORIZED),
        (Method::PUT, &[][..], StatusCode::UNAUTHORIZED),
        (Method::GET, &[socket][..], StatusCode::UNAUTHORIZED),
        (Method::CONNECT, &[][..], StatusCode::UNAUTHORIZED),
    ] {
        for path in ["/account", "/guarded"] {
            let reply = guest.ask_with(method.clone(), path, headers).await;
            assert_eq!(reply.status, status, "{method} {path} {headers:?}");
            assert_eq!(reply.location().is_some(), status == StatusCode::SEE_OTHER);
        }
    }
}
