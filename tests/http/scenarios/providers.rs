//! 5. Signing in at another site, which sends the browser back by GET or by POST.

use axum::Router;
use axum::extract::Query;
use axum::response::Redirect;
use axum::routing::{get, post};
use http::{Method, StatusCode};
use serde::Deserialize;
use starsessions::config::CookieBuilder;
use starsessions::{CsrfLayer, CurrentSession, MemoryStore, SameSite, Session, SessionError};
use starsessions_tests::client::{Client, Reply};
use starsessions_tests::jar::Initiator;
use starsessions_tests::shop::{self, Login};
use starsessions_tests::site::{Kept, Site};
use starsessions_tests::spy::Spy;

/// What the way back by GET is compared to.
#[derive(Session)]
struct Attempt {
    #[session(secret)]
    state: Option<String>,
}

/// What the way back by POST is compared to, in a cookie that comes along.
#[derive(Session)]
#[session(realm = "flow")]
struct Flow {
    #[session(secret)]
    state: Option<String>,
    user: Option<u64>,
}

#[derive(Deserialize)]
struct Answer {
    state: String,
}

async fn begin(mut attempt: Session<Attempt>, mut flow: Session<Flow>) {
    attempt.state = Some("asked".to_owned());
    flow.state = Some("asked".to_owned());
}

async fn by_get(
    mut attempt: Session<Attempt>,
    session: CurrentSession,
    Query(answer): Query<Answer>,
) -> Result<Redirect, SessionError> {
    if attempt.state.take() == Some(answer.state) {
        session.insert(Login { user: 7 })?;
    }
    Ok(Redirect::to("/me"))
}

async fn by_post(
    mut flow: Session<Flow>,
    Query(answer): Query<Answer>,
) -> Result<Redirect, StatusCode> {
    if flow.state.take() != Some(answer.state) {
        return Err(StatusCode::BAD_REQUEST);
    }
    flow.user = Some(7);
    Ok(Redirect::to("/finish"))
}

async fn finish(
    mut flow: Session<Flow>,
    session: CurrentSession,
) -> Result<Redirect, SessionError> {
    if let Some(user) = flow.user.take() {
        session.insert(Login { user })?;
    }
    Ok(Redirect::to("/me"))
}

/// A guest with a cart, who has just been sent to the provider.
async fn guest_at_the_provider() -> Client {
    let flows = Site::over(
        Spy::new(MemoryStore::new()),
        Kept::InCookiesForGood,
        |layer| {
            layer.realm("flow").cookie(|_| {
                CookieBuilder::default()
                    .name("__Host-flow")
                    .same_site(SameSite::None)
            })
        },
    );
    let routes = shop::with_logout()
        .route("/begin", get(begin))
        .route("/back", get(by_get))
        .route("/answer", post(by_post))
        .route("/finish", get(finish))
        .layer(CsrfLayer::new().trust(PROVIDER).unwrap());
    let routes: Router = routes.layer(Site::new().sessions.layer());
    let mut guest = flows.serve(routes);
    let reply = guest.ask_with(Method::POST, "/cart/tea", &[OWN]).await;
    guest.keep(&reply);
    guest.get("/begin").await;
    assert_eq!(guest.jar().cookies().count(), 2);
    guest
}

/// Sends what a page of another site makes the browser send.
async fn from_elsewhere(
    client: &mut Client,
    method: Method,
    path: &str,
    initiator: Initiator<'_>,
    origin: &str,
) -> Reply {
    let cookies = client.jar().cookie_header_in(SITE, initiator);
    let headers = [("origin", origin), ("sec-fetch-site", "cross-site")];
    let sent = client.showing(cookies.unwrap_or_default());
    let reply = sent.ask_with(method, path, &headers).await;
    client.keep(&reply);
    reply
}

#[tokio::test]
async fn scenario_05_the_state_comes_back_with_a_get() {
    let mut guest = guest_at_the_provider().await;
    let path = "/back?state=asked";
    let reply = from_elsewhere(&mut guest, Method::GET, path, Initiator::Link, PROVIDER).await;
    assert_eq!(reply.location(), Some("/me"));
    assert_eq!(guest.get("/me").await.body, "7");
    assert_eq!(guest.get("/cart").await.body, "tea");
}

#[tokio::test]
async fn scenario_05_the_state_comes_back_with_a_post() {
    let mut guest = guest_at_the_provider().await;
    let path = "/answer?state=asked";
    let before = guest.cookies();
    let reply = from_elsewhere(&mut guest, Method::POST, path, Initiator::Form, PROVIDER).await;
    assert_eq!(reply.location(), Some("/finish"));
    assert_ne!(guest.cookies(), before, "the flow goes on");
    // The redirect is still the provider's doing.
    let reply = from_elsewhere(&mut guest, Method::GET, "/finish", Initiator::Link, "null").await;
    assert_eq!(reply.location(), Some("/me"));
    assert_eq!(guest.get("/me").await.body, "7");
    assert_eq!(guest.get("/cart").await.body, "tea");

    // What was compared is not there any more.
    let again = from_elsewhere(&mut guest, Method::POST, path, Initiator::Form, PROVIDER).await;
    assert_eq!(again.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn scenario_05_nobody_is_signed_in_by_what_he_has_not_begun() {
    let mut guest = guest_at_the_provider().await;
    for (path, origin, status) in [
        ("/answer?state=guessed", PROVIDER, StatusCode::BAD_REQUEST),
        (
            "/answer?state=asked",
            "https://evil.example",
            StatusCode::FORBIDDEN,
        ),
    ] {
        let mut victim = guest.clone();
        let reply = from_elsewhere(&mut victim, Method::POST, path, Initiator::Form, origin).await;
        assert_eq!(reply.status, status, "{path} {origin}");
        victim.get("/finish").await;
        assert_eq!(victim.get("/me").await.body, "guest");
    }
    // A browser that has begun nothing has nothing that the answer could be compared to.
    guest.jar_mut().close();
    let path = "/answer?state=asked";
    let reply = from_elsewhere(&mut guest, Method::POST, path, Initiator::Form, PROVIDER).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
}

const SITE: &str = "https://shop.example/";
const PROVIDER: &str = "https://id.example";
const OWN: (&str, &str) = ("sec-fetch-site", "same-origin");
