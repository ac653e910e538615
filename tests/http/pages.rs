//! Responses of the library itself: plain sentences, or the application's own pages.

use std::convert::Infallible;

use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::response::{Html, IntoResponse, Json, Redirect, Response};
use axum::{Router, body::Body};
use bytes::Bytes;
use http::header::{
    ACCEPT, ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ETAG, SET_COOKIE, VARY,
};
use http::{HeaderValue, Method, StatusCode};
use starsessions::config::OnServerError;
use starsessions::error::TransportError;
use starsessions::{
    CsrfLayer, CurrentSession, Rejection, Session, SessionError, SessionLayerBuilder,
    SessionRejection,
};
use starsessions_tests::client::{Client, Reply};
use starsessions_tests::device::Device;
use starsessions_tests::logs::Logs;
use starsessions_tests::routing::{get, post};
use starsessions_tests::shop::{self, Login, Shop};
use starsessions_tests::site::Site;
use starsessions_tests::spy::{Moment, Operation};
use tower::{Layer, ServiceExt, service_fn};

#[derive(Session)]
#[session(realm = "admin")]
struct Admin {
    #[session(required)]
    name: String,
}

#[derive(Session)]
#[session(realm = "admin")]
struct Desk {
    visits: u32,
}

#[derive(Session)]
#[session(bound)]
struct Vault {
    #[session(required)]
    code: u8,
}

async fn account(login: Session<Login>) -> String {
    login.user.to_string()
}

async fn look(session: CurrentSession) -> Result<(), SessionRejection> {
    session.view::<Login>().await.map(drop)
}

async fn caught(login: Result<Session<Login>, SessionRejection>) -> Response {
    let why = login.map(|_| ()).map_err(|rejection| rejection.status());
    (StatusCode::IM_A_TEAPOT, format!("{why:?}")).into_response()
}

async fn unknown_flow() -> SessionError {
    SessionError::UnknownFlow
}

async fn admin(admin: Session<Admin>) -> String {
    admin.name.clone()
}

async fn vault(vault: Session<Vault>) -> String {
    vault.code.to_string()
}

/// Middleware inside the session layer.
async fn marks(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert("x-inner", HeaderValue::from_static("here"));
    headers.append(SET_COOKIE, HeaderValue::from_static("inner=1"));
    headers.insert(ETAG, HeaderValue::from_static("\"of another body\""));
    response
}

fn routes() -> Router {
    shop::with_logout()
        .route("/account", get(account).post(account))
        .route("/look", get(look).post(look))
        .route("/caught", get(caught))
        .route("/flow", get(unknown_flow))
        .route("/admin", get(admin))
        .route("/vault", get(vault))
        .route("/pay", post(|| async { "paid" }))
        .layer(CsrfLayer::new())
        .layer(from_fn(marks))
}

/// The pages of an application.
fn page(rejection: &Rejection, request: &http::request::Parts) -> Response {
    let kind = match rejection {
        Rejection::Session(SessionRejection::Absent(_)) => "guest",
        Rejection::Session(SessionRejection::Failed(SessionError::Gone)) => "gone",
        Rejection::Session(SessionRejection::Failed(SessionError::Unavailable(_))) => "outage",
        Rejection::Session(SessionRejection::Failed(_)) => "failed",
        Rejection::Session(SessionRejection::Unproven(_)) => "device",
        Rejection::Csrf(_) => "foreign",
        _ => "else",
    };
    let text = format!("{kind} at {}", request.uri.path());
    let accepts_json = request.headers.get(ACCEPT) == Some(&"application/json".parse().unwrap());
    let cached = [(CACHE_CONTROL, "public, max-age=600")];
    if accepts_json {
        (rejection.status(), cached, Json(text)).into_response()
    } else {
        (rejection.status(), cached, Html(text)).into_response()
    }
}

fn own_pages(layer: SessionLayerBuilder) -> SessionLayerBuilder {
    layer.on_rejection(page)
}

const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");
const SCRIPT: (&str, &str) = ("sec-fetch-mode", "cors");
const FOREIGN: (&str, &str) = ("sec-fetch-site", "cross-site");
const JSON: (&str, &str) = ("accept", "application/json");

/// Asserts that the page has replaced the former response, except for headers that other middleware has set.
#[track_caller]
fn shows(reply: &Reply, status: StatusCode, body: &str) {
    assert_eq!((reply.status, &*reply.body), (status, body), "{reply:?}");
    assert_eq!(reply.headers[CACHE_CONTROL], "private, no-store");
    assert_eq!(reply.headers[CONTENT_TYPE], "text/html; charset=utf-8");
}

#[tokio::test]
async fn the_applications_pages_take_the_place_of_the_librarys() {
    let site = Site::with(own_pages);
    let client = site.serve(routes());
    for path in ["/account", "/look"] {
        let guest = client.ask_with(Method::POST, path, &[OWN, SCRIPT]).await;
        shows(
            &guest,
            StatusCode::UNAUTHORIZED,
            &format!("guest at {path}"),
        );
        assert_eq!(guest.headers[VARY], "Cookie");
        assert_eq!(guest.headers["x-inner"], "here");
        assert_eq!(guest.set_cookies(), ["inner=1"]);
        assert!(!guest.headers.contains_key(ETAG));
    }
    let script = client.ask_with(Method::GET, "/account", &[JSON]).await;
    assert_eq!(script.status, StatusCode::UNAUTHORIZED);
    assert_eq!(script.body, r#""guest at /account""#);
    assert_eq!(script.headers[CONTENT_TYPE], "application/json");

    let foreign = client.ask_with(Method::POST, "/pay", &[FOREIGN]).await;
    shows(&foreign, StatusCode::FORBIDDEN, "foreign at /pay");
    let unproven = client.ask(Method::POST, "/pay").await;
    shows(&unproven, StatusCode::FORBIDDEN, "foreign at /pay");
    let flow = client.ask(Method::GET, "/flow").await;
    shows(&flow, StatusCode::BAD_REQUEST, "failed at /flow");
}

#[tokio::test]
async fn redirects_and_the_applications_own_answers_stay() {
    let site = Site::with(own_pages);
    let mut guest = site.serve(routes());
    let led = guest.get("/account").await;
    led.leads_to("/login");
    assert_eq!(led.body, "");
    let caught = guest.get("/caught").await;
    assert_eq!(caught.status, StatusCode::IM_A_TEAPOT);
    assert_eq!(caught.body, "Err(303)");
    assert_eq!(guest.get("/nowhere").await.status, StatusCode::NOT_FOUND);
    assert_eq!(guest.get("/nowhere").await.body, "");
}

#[tokio::test]
async fn an_outage_and_a_session_that_has_ended_have_pages() {
    let site = Site::with(own_pages);
    let mut user = site.serve(shop::with_logout().route("/account", get(account)));
    user.post("/login/7").await;

    let gate = site.store.hold(Operation::Rotate, Moment::Before);
    let late = tokio::spawn(user.ask(Method::POST, "/login/9"));
    gate.reached().await;
    site.store.release();
    user.clone().post("/logout").await;
    gate.open();
    let late = late.await.unwrap();
    shows(&late, StatusCode::CONFLICT, "gone at /login/9");

    user.post("/login/7").await;
    site.store.fail(Operation::Replace, Moment::Before);
    let unwritten = user.post("/cart/tea").await;
    shows(
        &unwritten,
        StatusCode::SERVICE_UNAVAILABLE,
        "outage at /cart/tea",
    );
    site.store.fail_all();
    let unread = user.get("/account").await;
    shows(
        &unread,
        StatusCode::SERVICE_UNAVAILABLE,
        "outage at /account",
    );
}

/// A CORS layer inside the session layer allows the other origin.
#[tokio::test]
async fn a_script_of_another_origin_can_read_that_its_session_was_not_written() {
    async fn allow(request: Request, next: Next) -> Response {
        let mut response = next.run(request).await;
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.append(VARY, HeaderValue::from_static("origin"));
        response
    }
    /// The page of an application that allows one origin itself.
    fn open_pages(layer: SessionLayerBuilder) -> SessionLayerBuilder {
        layer.on_rejection(|rejection, request| {
            let mut page = page(rejection, request);
            let origin = HeaderValue::from_static("https://other.example");
            page.headers_mut()
                .insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            page
        })
    }
    let sets: [(fn(_) -> _, &str); 3] = [
        (|layer| layer, "*"),
        (own_pages, "*"),
        (open_pages, "https://other.example"),
    ];
    for (set, allowed) in sets {
        let site = Site::with(set);
        let mut user = site.serve(shop::routes().layer(from_fn(allow)));
        user.post("/login/7").await;
        site.store.fail(Operation::Replace, Moment::Before);
        let reply = user.post("/cart/tea").await;
        assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(reply.all("access-control-allow-origin"), [allowed]);
        assert_eq!(reply.all("vary"), ["origin", "Cookie"]);
    }
}

/// A rejection drops the request's changes, whatever page it shows; a logout takes effect.
#[tokio::test]
async fn a_page_changes_nothing_but_what_is_seen() {
    async fn refuse(mut shop: Session<Shop>, session: CurrentSession) -> SessionRejection {
        shop.cart.push("tea".to_owned());
        session.view::<Vault>().await.map(drop).unwrap_err()
    }
    async fn leave(session: CurrentSession) -> Result<(), SessionRejection> {
        session.destroy()?;
        session.view::<Vault>().await.map(drop)
    }
    let site = Site::with(|layer| layer.on_rejection(|_, _| Redirect::to("/").into_response()));
    let routes = shop::routes()
        .route("/refuse", post(refuse))
        .route("/leave", post(leave));
    let mut user = site.serve(routes);
    user.post("/login/7").await;
    user.post("/refuse").await.leads_to("/");
    assert_eq!(user.get("/cart").await.body, "");
    let left = user.post("/leave").await;
    assert_eq!(left.status, StatusCode::SEE_OTHER);
    assert_eq!(left.max_age(), Some(0), "{left:?}");
    assert_eq!(user.get("/me").await.body, "guest");
}

/// A 5xx writes nothing, whatever the status of its page; layers further out write nothing either.
#[tokio::test]
async fn a_page_makes_no_success_of_a_failure() {
    async fn fail(mut shop: Session<Shop>, mut desk: Session<Desk>) -> SessionError {
        shop.cart.push("tea".to_owned());
        desk.visits += 1;
        TransportError::NotHandedOut.into()
    }
    async fn visits(desk: Session<Desk>) -> String {
        desk.visits.to_string()
    }
    let outer = Site::with(|layer| layer.realm("admin").cookie(|cookie| cookie.name("admin")));
    let inner = Site::with(|layer| layer.on_rejection(|_, _| "sorry".into_response()));
    let routes = shop::routes()
        .route("/fail", post(fail))
        .route("/visits", get(visits));
    let mut user = outer.serve(routes.layer(inner.sessions.layer()));
    let failed = user.post("/fail").await;
    assert_eq!((failed.status, &*failed.body), (StatusCode::OK, "sorry"));
    assert_eq!(user.get("/cart").await.body, "");
    assert_eq!(user.get("/visits").await.body, "0");
}

/// The status of the application's own response decides what is written, not the status of the page.
#[tokio::test]
async fn a_page_does_not_hide_that_the_application_called_it_a_server_error() {
    async fn fail(mut shop: Session<Shop>) -> (StatusCode, SessionError) {
        shop.cart.push("tea".to_owned());
        (StatusCode::INTERNAL_SERVER_ERROR, SessionError::UnknownFlow)
    }
    for is_written in [true, false] {
        let site = Site::with(|layer| {
            let layer = layer.on_rejection(|_, _| "sorry".into_response());
            if is_written {
                layer.on_server_error(OnServerError::Commit)
            } else {
                layer
            }
        });
        let mut user = site.serve(shop::routes().route("/fail", post(fail)));
        user.post("/login/7").await;
        assert_eq!(user.post("/fail").await.body, "sorry");
        let cart = if is_written { "tea" } else { "" };
        assert_eq!(user.get("/cart").await.body, cart);
    }
}

#[tokio::test]
async fn a_logout_takes_place_though_its_page_panics() {
    async fn leave(session: CurrentSession) -> Result<(), SessionRejection> {
        session.destroy()?;
        session.view::<Vault>().await.map(drop)
    }
    let site = Site::with(|layer| layer.on_rejection(|_, _| -> Response { panic!("no page") }));
    let mut user = site.serve(shop::routes().route("/leave", post(leave)));
    user.post("/login/7").await;
    let left = tokio::spawn(user.ask(Method::POST, "/leave")).await;
    assert!(left.unwrap_err().is_panic());
    assert_eq!(site.rows(), 0);
}

#[tokio::test]
async fn the_innermost_layer_with_pages_makes_them_once() {
    let outer = Site::with(|layer| {
        let layer = layer.realm("admin").cookie(|cookie| cookie.name("admin"));
        layer.on_rejection(|_, _| (StatusCode::IM_A_TEAPOT, "outer").into_response())
    });
    let inner = Site::with(own_pages);
    let plain = Site::new();
    for (inner, expected) in [(&inner, "guest at /admin"), (&plain, "outer")] {
        let app = routes().layer(inner.sessions.layer());
        let mut client = outer.serve(app);
        assert_eq!(client.get("/admin").await.body, expected);
    }
}

#[tokio::test]
async fn a_device_without_its_proof_has_a_page() {
    let site = Site::with(|layer| own_pages(layer).device_bound(|device| device));
    let mut client = site.serve(routes());
    let invited = client.ask_with(Method::POST, "/login/7", &[OWN]).await;
    client.keep(&invited);
    client.bind(&Device::new(1), &invited).await;
    site.wait_seconds(600);
    let reply = client.get("/vault").await;
    shows(&reply, StatusCode::FORBIDDEN, "device at /vault");
}

#[tokio::test]
async fn without_pages_an_answer_is_a_sentence() {
    let site = Site::new();
    let mut user = site.serve(shop::routes().route("/account", get(account).post(account)));
    let guest = user.ask_with(Method::POST, "/account", &[SCRIPT]).await;
    assert_eq!(guest.status, StatusCode::UNAUTHORIZED);
    assert_eq!(guest.body, "Sign in first.");
    user.post("/login/7").await;
    site.store.fail(Operation::Replace, Moment::Before);
    let unwritten = user.post("/cart/tea").await;
    assert_eq!(unwritten.status, StatusCode::SERVICE_UNAVAILABLE);
    let sentence = "This is not possible right now. Try again in a moment.";
    assert_eq!(unwritten.body, sentence);
    assert_eq!(unwritten.headers[CONTENT_TYPE], "text/plain; charset=utf-8");
    site.store.fail_all();
    assert_eq!(user.get("/account").await.body, sentence);
}

/// The same applies to a view that is not an extractor argument.
#[tokio::test]
async fn only_a_navigation_is_led_to_the_login() {
    let guest = Site::new().serve(routes());
    let form = ("sec-fetch-mode", "navigate");
    for path in ["/account", "/look"] {
        for (method, headers, is_led) in [
            (Method::GET, &[OWN][..], true),
            (Method::HEAD, &[OWN], true),
            (Method::POST, &[OWN, form], true),
            (Method::POST, &[OWN], true),
            (Method::GET, &[OWN, JSON], false),
            (Method::POST, &[OWN, JSON], false),
            (Method::GET, &[OWN, SCRIPT], false),
            (Method::POST, &[OWN, SCRIPT], false),
        ] {
            let reply = guest.ask_with(method.clone(), path, headers).await;
            let location = is_led.then_some("/login");
            assert_eq!(reply.location(), location, "{method} {path} {headers:?}");
            let status = if is_led { 303 } else { 401 };
            assert_eq!(reply.status, status, "{method} {path} {headers:?}");
        }
    }
}

/// A service without axum that writes to the session and answers with text.
async fn write<B: Default>(
    request: http::Request<String>,
) -> Result<http::Response<B>, Infallible> {
    let (parts, _) = request.into_parts();
    let session = CurrentSession::from_parts(&parts).unwrap();
    session.insert(Login { user: 7 }).unwrap();
    Ok(http::Response::new(B::default()))
}

async fn answer_of<B: Default + 'static>(layer: starsessions::SessionLayer) -> http::Response<B> {
    let service = layer.layer(service_fn(write::<B>));
    service.oneshot(http::Request::default()).await.unwrap()
}

#[tokio::test]
async fn under_tower_alone_it_is_the_same() {
    let site = Site::new();
    site.store.fail_all();
    let failed = answer_of::<String>(site.sessions.layer()).await;
    assert_eq!(failed.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(failed.body().starts_with("This is not possible"));
    let failed = answer_of::<Bytes>(site.sessions.layer()).await;
    assert!(failed.body().starts_with(b"This is not possible"));
    let unknown = answer_of::<Vec<u8>>(site.sessions.layer()).await;
    assert_eq!(unknown.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(!unknown.headers().contains_key(CONTENT_TYPE));

    let site = Site::with(|layer| {
        layer.on_rejection(|rejection, _| {
            let mut page = http::Response::new(vec![1_u8, 2]);
            *page.status_mut() = rejection.status();
            page
        })
    });
    site.store.fail_all();
    let failed = answer_of::<Vec<u8>>(site.sessions.layer()).await;
    assert_eq!(failed.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(failed.body(), &[1, 2]);
    let logs = Logs::capture();
    for level in ["ERROR", "DEBUG"] {
        let other = answer_of::<Body>(site.sessions.layer()).await;
        assert_eq!(other.status(), StatusCode::SERVICE_UNAVAILABLE);
        let lines = logs.with(&[level, "on_rejection", "Vec<u8>"]);
        assert_eq!(lines.len(), 1, "{level}: {}", logs.text());
    }
}

#[tokio::test]
async fn a_page_is_told_the_path_that_the_browser_has_asked_for() {
    let site = Site::with(own_pages);
    let nested = Router::new().nest("/shop", routes().layer(site.sessions.layer()));
    let client = Client::new(&nested);
    let script = client.ask_with(Method::GET, "/shop/account", &[JSON]).await;
    assert_eq!(script.body, r#""guest at /shop/account""#);
}
