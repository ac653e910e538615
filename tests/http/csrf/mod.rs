//! Requests that another site makes a browser send.

mod origins;
mod tokens;

use axum::Router;
use axum::body::Body;
use http::header::COOKIE;
use http::{Method, Request, StatusCode};
use starsessions::{CsrfLayer, CurrentSession, SessionError};
use starsessions_tests::client::{Client, Reply, exchange};
use starsessions_tests::routing::{get, post};
use starsessions_tests::shop;
use starsessions_tests::site::Site;

const HOST: &str = "shop.example";
const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

async fn page(session: CurrentSession) -> Result<String, SessionError> {
    Ok(session.csrf_token().await?.to_string())
}

/// Echoes the form as the handler sees it: complete, although the layer has read it.
async fn echo(body: String) -> String {
    body
}

fn routes() -> Router {
    shop::routes()
        .route("/page", get(page).connect(page))
        .route("/echo", post(echo).put(echo).delete(echo).patch(echo))
}

/// A site with a CSRF layer on every route, and a way to send it any request.
struct Guarded {
    app: Router,
    visitor: Client,
}

impl Guarded {
    fn new(site: &Site) -> Self {
        Self::with(site, CsrfLayer::new())
    }

    fn with(site: &Site, guard: CsrfLayer) -> Self {
        let app = routes().layer(guard).layer(site.sessions.layer());
        // The same sessions without the guard, to create a visitor.
        let visitor = site.serve(routes());
        Self { app, visitor }
    }

    /// A visitor who is signed in.
    async fn user(&self, number: u32) -> Client {
        let mut user = self.visitor.clone();
        user.post(&format!("/login/{number}")).await;
        assert_eq!(user.get("/me").await.body, number.to_string());
        user
    }

    async fn send(
        &self,
        client: &Client,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Reply {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", HOST);
        if let Some(cookies) = client.cookies() {
            request = request.header(COOKIE, cookies);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        exchange(self.app.clone(), request).await
    }

    /// Sends a POST with these headers; returns the status.
    async fn post(&self, client: &Client, headers: &[(&str, &str)]) -> StatusCode {
        let reply = self
            .send(client, Method::POST, "/echo", headers, "body")
            .await;
        if reply.status == StatusCode::OK {
            assert_eq!(reply.body, "body");
        } else {
            assert!(reply.body.len() > 40, "it says what to do: {}", reply.body);
            assert!(!reply.sets_cookie());
        }
        reply.status
    }

    /// Sends a POST with this token in the header and no other proof; returns the status.
    async fn post_token(&self, client: &Client, token: &str) -> StatusCode {
        self.post(client, &[("x-csrf-token", token)]).await
    }

    /// Submits a form with this token and no other proof; returns the status.
    async fn submit(&self, client: &Client, form: &str) -> StatusCode {
        let reply = self
            .send(client, Method::POST, "/echo", &[FORM], form)
            .await;
        if reply.status == StatusCode::OK {
            assert_eq!(reply.body, form, "the handler sees the whole form");
        }
        reply.status
    }
}
