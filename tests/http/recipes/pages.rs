//! Pages of your own.

use axum::response::{Html, IntoResponse, Json, Response};
use http::{header::ACCEPT, request::Parts};
use starsessions::config::ConfigError;
use starsessions::{KeyRing, MemoryStore, Rejection, SessionLayer};

fn page(rejection: &Rejection, request: &Parts) -> Response {
    let accept = request.headers.get(ACCEPT);
    let accept = accept.and_then(|types| types.to_str().ok());
    // `Display` is for developers, `message` for users.
    let (status, message) = (rejection.status(), rejection.message());
    match accept {
        Some(types) if types.contains("json") => (status, Json(message)).into_response(),
        _ => (status, Html(format!("<h1>{status}</h1><p>{message}"))).into_response(),
    }
}

fn sessions(keys: KeyRing) -> Result<SessionLayer, ConfigError> {
    SessionLayer::builder(MemoryStore::new(), keys)
        .on_rejection(page)
        .build()
}

// What the page leaves out.

#[tokio::test]
async fn a_page_and_a_script_get_the_application_s_answers() {
    use axum::{Router, routing::get};
    use starsessions::Session;
    use starsessions_tests::client::Client;

    #[derive(Session)]
    struct Login {
        #[session(required, rotate)]
        user: u64,
    }

    let account = async |login: Session<Login>| login.user.to_string();
    let app = Router::new()
        .route("/account", get(account))
        .layer(sessions(KeyRing::generate().unwrap()).unwrap());
    let guest = Client::new(&app);
    for (accept, kind, begin) in [
        ("application/json", "application/json", "\""),
        (
            "text/html",
            "text/html; charset=utf-8",
            "<h1>401 Unauthorized</h1><p>",
        ),
    ] {
        let headers = [("accept", accept)];
        let reply = guest
            .ask_with(http::Method::GET, "/account", &headers)
            .await;
        assert_eq!(reply.status, 401);
        assert_eq!(reply.all("content-type"), [kind]);
        assert!(reply.body.starts_with(begin), "{reply:?}");
    }
}
