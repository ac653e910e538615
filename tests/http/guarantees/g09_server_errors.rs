//! G9: a failed request stores no data, except changes that end or guard a session.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use axum::Router;
use axum::extract::{Path, Request};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use starsessions::config::OnServerError;
use starsessions::{CurrentSession, Session};
use starsessions_tests::client::{Client, Reply};
use starsessions_tests::routing::post;
use starsessions_tests::site::Site;
use tower_http::catch_panic::CatchPanicLayer;

use starsessions_tests::shop::{self, Login, Shop};

#[derive(Session)]
struct Guard {
    #[session(commit = always)]
    failures: u32,
    hint: Option<String>,
}

/// How a handler fails after it has changed something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    Status500,
    Status503,
    /// No layer catches the panic.
    Panic,
    /// Caught between the handler and the session layer.
    PanicCaughtInside,
    /// Caught in front of the session layer.
    PanicCaughtOutside,
    /// An extractor of this library rejects the request after a middleware has changed a field.
    Rejection,
}

use Failure::{Panic, PanicCaughtInside, PanicCaughtOutside, Rejection, Status500, Status503};

const FAILURES: [Failure; 6] = [
    Status500,
    Status503,
    Panic,
    PanicCaughtInside,
    PanicCaughtOutside,
    Rejection,
];

impl Failure {
    fn path(self) -> &'static str {
        match self {
            Status500 => "500",
            Status503 => "503",
            Panic | PanicCaughtInside | PanicCaughtOutside => "panic",
            Rejection => "rejection",
        }
    }

    /// Whether there is a response that can carry a cookie.
    fn is_answered_by_the_layer(self) -> bool {
        !matches!(self, Panic | PanicCaughtOutside)
    }
}

async fn fail(Path((_, failure)): Path<(String, String)>) -> StatusCode {
    match failure.as_str() {
        "500" => StatusCode::INTERNAL_SERVER_ERROR,
        "503" => StatusCode::SERVICE_UNAVAILABLE,
        "panic" => panic!("the handler's own"),
        _ => StatusCode::OK,
    }
}

/// Performs the action of the path, then fails as the path says.
async fn act(
    Path((action, failure)): Path<(String, String)>,
    session: CurrentSession,
    mut shop: Session<Shop>,
    mut guard: Session<Guard>,
    request: Request,
    next: Next,
) -> Response {
    match action.as_str() {
        "data" => {
            shop.cart.push("tea".to_owned());
            session.insert(Login { user: 8 }).unwrap();
        }
        "always" => {
            guard.failures += 1;
            guard.hint = Some("wrong password".to_owned());
        }
        "rotate" => session.rotate().unwrap(),
        "destroy" => session.destroy().unwrap(),
        _ => unreachable!("{action}"),
    }
    if failure == "rejection" {
        // The session does not contain this struct.
        return match session.view::<Nobody>().await {
            Ok(_) => unreachable!(),
            Err(rejection) => rejection.into_response(),
        };
    }
    // A panic in the handler unwinds through this view.
    let response = next.run(request).await;
    drop(shop);
    response
}

#[derive(Session)]
struct Nobody {
    #[session(required)]
    name: String,
}

/// A site with a signed-in user, after a middleware's action and this failure.
struct Failed {
    site: Site,
    before: Client,
    after: Client,
    reply: Result<Reply, Box<dyn Any + Send>>,
}

async fn failed(action: &str, failure: Failure, rule: OnServerError) -> Failed {
    let site = Site::with(|layer| layer.on_server_error(rule));
    let mut acting = Router::new()
        .route("/act/{action}/{failure}", post(fail))
        .layer(from_fn(act));
    if failure == PanicCaughtInside {
        acting = acting.layer(CatchPanicLayer::new());
    }
    let guard = axum::routing::get(async |guard: Session<Guard>| {
        format!("{} {:?}", guard.failures, guard.hint)
    });
    let routes = shop::routes().merge(acting).route("/guard", guard);
    let mut app = routes.layer(site.sessions.layer());
    if failure == PanicCaughtOutside {
        app = app.layer(CatchPanicLayer::new());
    }
    let mut before = Client::new(&app);
    before.post("/login/7").await;
    let mut after = before.clone();
    let path = format!("/act/{action}/{}", failure.path());
    let reply = AssertUnwindSafe(after.ask(Method::POST, &path));
    let reply = tokio::spawn(reply.0)
        .await
        .map_err(tokio::task::JoinError::into_panic);
    if let Ok(reply) = &reply {
        after.keep(reply);
    }
    Failed {
        site,
        before,
        after,
        reply,
    }
}

#[tokio::test]
async fn g09_the_failure_itself_is_answered_as_it_is() {
    for failure in FAILURES {
        let Failed { reply, .. } = failed("data", failure, OnServerError::Discard).await;
        let status = reply.map(|reply| reply.status.as_u16());
        match failure {
            Status500 | PanicCaughtInside | PanicCaughtOutside => assert_eq!(status.unwrap(), 500),
            Status503 => assert_eq!(status.unwrap(), 503),
            Rejection => assert_eq!(status.unwrap(), 401),
            Panic => {
                let panic = status.unwrap_err();
                assert_eq!(panic.downcast_ref(), Some(&"the handler's own"));
            }
        }
    }
}

#[tokio::test]
async fn g09_data_and_a_login_are_dropped() {
    for failure in FAILURES {
        let Failed {
            mut after,
            site,
            reply,
            ..
        } = failed("data", failure, OnServerError::Discard).await;
        assert!(!reply.is_ok_and(|reply| reply.sets_cookie()), "{failure:?}");
        assert_eq!(after.get("/cart").await.body, "", "{failure:?}");
        assert_eq!(after.get("/me").await.body, "7", "{failure:?}");
        assert_eq!(site.store.take_calls().rotates, 0, "{failure:?}");
    }
}

#[tokio::test]
async fn g09_what_is_always_committed_is_kept_and_its_neighbour_dropped() {
    for failure in FAILURES {
        let Failed { mut after, .. } = failed("always", failure, OnServerError::Discard).await;
        assert_eq!(after.get("/guard").await.body, "1 None", "{failure:?}");
    }
}

#[tokio::test]
async fn g09_a_logout_is_kept() {
    for failure in FAILURES {
        let Failed {
            mut before,
            after,
            site,
            ..
        } = failed("destroy", failure, OnServerError::Discard).await;
        assert_eq!(before.get("/me").await.body, "guest", "{failure:?}");
        assert_eq!(site.rows(), 0, "{failure:?}");
        if failure.is_answered_by_the_layer() {
            assert_eq!(after.cookies(), None, "{failure:?}");
        }
    }
}

#[tokio::test]
async fn g09_a_rotation_is_kept() {
    for failure in FAILURES {
        let Failed {
            mut before,
            mut after,
            ..
        } = failed("rotate", failure, OnServerError::Discard).await;
        assert_eq!(before.get("/me").await.body, "guest", "{failure:?}");
        if failure.is_answered_by_the_layer() {
            assert_eq!(after.get("/me").await.body, "7", "{failure:?}");
        }
    }
}

#[tokio::test]
async fn g09_the_layer_can_keep_the_data_of_a_5xx() {
    for failure in [Status500, Status503] {
        let Failed { mut after, .. } = failed("data", failure, OnServerError::Commit).await;
        assert_eq!(after.get("/cart").await.body, "tea", "{failure:?}");
        assert_eq!(after.get("/me").await.body, "8", "{failure:?}");
    }
}

#[tokio::test]
async fn g09_a_4xx_is_an_answer_and_keeps_its_data() {
    let refuse = post(async |mut shop: Session<Shop>| {
        shop.cart.push("tea".to_owned());
        StatusCode::UNPROCESSABLE_ENTITY
    });
    let mut client = Site::new().serve(shop::routes().route("/refuse", refuse));
    client.post("/refuse").await;
    assert_eq!(client.get("/cart").await.body, "tea");
}

#[tokio::test]
async fn g09_what_the_handler_has_committed_itself_is_stored_and_told() {
    let commit = post(async |mut shop: Session<Shop>| {
        shop.cart.push("tea".to_owned());
        shop.commit().await.unwrap();
        shop.cart.push("milk".to_owned());
        StatusCode::INTERNAL_SERVER_ERROR
    });
    let mut client = Site::new().serve(shop::routes().route("/commit", commit));
    let reply = client.post("/commit").await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(client.get("/cart").await.body, "tea");
}

/// The session layer sees a response, and no panic.
#[tokio::test]
async fn a_panic_that_becomes_a_success_inside_of_the_layer_keeps_what_was_finished_before() {
    let panic = post(
        async |session: CurrentSession, mut shop: Session<Shop>| -> StatusCode {
            session.insert(Login { user: 7 }).unwrap();
            shop.cart.push("tea".to_owned());
            panic!("the handler's own")
        },
    );
    let caught = CatchPanicLayer::custom(|_| "sorry".into_response());
    let panicking = Router::new().route("/panic", panic).layer(caught);
    let mut client = Site::new().serve(shop::routes().merge(panicking));
    assert_eq!(client.post("/panic").await.status, StatusCode::OK);
    assert_eq!(client.get("/me").await.body, "7");
    assert_eq!(client.get("/cart").await.body, "");
}

/// A server cannot send an interim status as the response, and answers with an error in its place.
#[tokio::test]
async fn g09_an_interim_status_is_an_error_except_for_that_of_a_socket() {
    for (status, views) in [(100, "0"), (103, "0"), (101, "1")] {
        let act = post(async move |mut shop: Session<Shop>| {
            shop.views += 1;
            StatusCode::from_u16(status).unwrap()
        });
        let mut client = Site::new().serve(shop::routes().route("/act", act));
        client.post("/act").await;
        assert_eq!(client.get("/views").await.body, views, "{status}");
    }
}
