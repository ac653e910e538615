//! 18. Middleware that reads and writes.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use starsessions::{CurrentSession, Session, SessionRejection};

#[derive(Session)]
struct Visit {
    pages: u32,
    refused: Option<String>,
}

/// Counts what handlers have answered.
async fn count(
    session: CurrentSession,
    request: Request,
    next: Next,
) -> Result<Response, SessionRejection> {
    let before = session.view::<Visit>().await?.pages; // the view ends with this line
    let response = next.run(request).await;
    session.view::<Visit>().await?.pages = before + 1;
    Ok(response)
}

/// Lets users in, and remembers where a guest was.
async fn guard(
    session: CurrentSession,
    request: Request,
    next: Next,
) -> Result<Response, SessionRejection> {
    if let Err(rejection) = session.view::<Login>().await {
        session.view::<Visit>().await?.refused = Some(request.uri().path().to_owned());
        session.commit().await?; // a rejection drops what is not committed, as a 5xx does
        return Err(rejection);
    }
    Ok(next.run(request).await)
}

// What the page leaves out.

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::get;
use starsessions_tests::shop::Login;
use starsessions_tests::site::Site;

async fn visits(visit: Session<Visit>) -> String {
    let refused = visit.refused.as_deref().unwrap_or("-");
    format!("{} {refused}", visit.pages)
}

#[derive(Session)]
struct Shop {
    views: u32,
}

async fn view_shop(mut shop: Session<Shop>) {
    shop.views += 1;
}

async fn refuse(mut visit: Session<Visit>) {
    visit.refused = Some("by the handler".to_owned());
}

#[tokio::test]
async fn scenario_18_a_middleware_writes_and_so_does_the_handler() {
    let routes = Router::new()
        .route("/refuse", get(refuse))
        .route("/", get(visits))
        .layer(from_fn(count));
    let mut client = Site::new().serve(routes);
    client.get("/refuse").await;
    assert_eq!(client.get("/").await.body, "1 by the handler");
    assert_eq!(client.get("/").await.body, "2 by the handler");
}

#[tokio::test]
async fn scenario_18_what_a_guard_commits_outlives_its_rejection() {
    let routes = Router::new()
        .route("/account", get(async || "account"))
        .layer(from_fn(guard))
        .route("/", get(visits));
    let mut guest = Site::new().serve(routes);
    let reply = guest.get("/account").await;
    assert_eq!(reply.location(), Some("/login"));
    assert_eq!(guest.get("/").await.body, "0 /account");
}

/// Unlike the page's recipe, holds the view across the handler.
async fn holds(mut visit: Session<Visit>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    visit.pages += 1;
    response
}

#[tokio::test]
async fn scenario_18_a_view_that_is_held_over_the_handler_is_named() {
    let routes = Router::new()
        .route("/refuse", get(refuse))
        .route("/shop", get(view_shop))
        .route("/", get(visits));
    let site = Site::with(|layer| layer.explain(true));
    let mut client = site.serve(routes.clone().layer(from_fn(holds)));
    let said = client
        .get("/refuse")
        .await
        .all("x-session-explain")
        .concat();
    assert!(
        said.contains("a view of `Visit` was held while another one changed `visit.refused`"),
        "{said}"
    );
    for silent in [
        client.get("/").await,
        client.get("/shop").await,
        site.serve(routes.layer(from_fn(count)))
            .get("/refuse")
            .await,
    ] {
        let said = silent.all("x-session-explain").concat();
        assert!(!said.contains("was held"), "{said}");
    }
}
