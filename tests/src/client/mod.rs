//! A browser that uses an app: it sends requests, keeps cookies and returns the replies.

mod app;
mod reply;
mod visit;

use axum::Router;
use axum::body::Body;
use http::header::{CONTENT_TYPE, COOKIE};
use http::{HeaderValue, Method, Request};
use http_body_util::BodyExt;
use tower::ServiceExt;

use crate::jar::Jar;

pub use app::App;
pub use reply::Reply;
pub use visit::Once;

/// A browser that uses an app.
///
/// A clone acts as another tab or a thief. It begins with the same cookies and keeps its own from then on.
#[derive(Clone, Debug)]
pub struct Client {
    app: Router,
    jar: Jar,
    /// Sent instead of the cookies in the jar.
    shown: Option<HeaderValue>,
}

impl Client {
    /// A browser without cookies.
    #[must_use]
    pub fn new(app: &Router) -> Self {
        Self {
            app: app.clone(),
            jar: Jar::new(),
            shown: None,
        }
    }

    /// The same cookies with the app of `other`: a newer version, or another node.
    #[must_use]
    pub fn at(&self, other: &Self) -> Self {
        Self {
            app: other.app.clone(),
            ..self.clone()
        }
    }

    /// The same app, visited with this `Cookie` header instead of the jar's.
    ///
    /// # Panics
    /// If it is not a header value.
    #[must_use]
    pub fn showing(&self, cookies: impl AsRef<[u8]>) -> Self {
        Self {
            shown: Some(HeaderValue::from_bytes(cookies.as_ref()).unwrap()),
            ..self.clone()
        }
    }

    /// Sends a GET.
    pub async fn get(&mut self, path: &str) -> Reply {
        self.send(Method::GET, path).await
    }

    /// Sends a POST without a body.
    pub async fn post(&mut self, path: &str) -> Reply {
        self.send(Method::POST, path).await
    }

    /// Sends a form, as a page of the site itself does.
    pub async fn submit(&mut self, path: &str, form: &str) -> Reply {
        let own = [("sec-fetch-site", "same-origin")];
        let reply = self.submit_with(path, form, &own).await;
        self.keep(&reply);
        reply
    }

    /// Sends a form with the given headers, and keeps no cookies.
    ///
    /// # Panics
    /// If the headers are invalid.
    pub async fn submit_with(&self, path: &str, form: &str, headers: &[(&str, &str)]) -> Reply {
        let mut request = self
            .request(Method::POST, path)
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(form.to_owned()));
        exchange(self.app.clone(), request.expect("a test's own request")).await
    }

    /// Sends a request with the cookies, and keeps those of the reply.
    pub async fn send(&mut self, method: Method, path: &str) -> Reply {
        let reply = self.ask(method, path).await;
        self.keep(&reply);
        reply
    }

    /// Sends a request with the cookies and keeps none of the reply, as if the reply were late or lost.
    pub fn ask(&self, method: Method, path: &str) -> impl Future<Output = Reply> + Send + use<> {
        let request = self.request(method, path);
        let request = request.body(Body::empty()).expect("a test's own request");
        exchange(self.app.clone(), request)
    }

    /// Like [`ask`](Self::ask), with the given headers.
    ///
    /// # Panics
    /// If the headers are invalid.
    pub async fn ask_with(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Reply {
        let mut request = self.request(method, path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).expect("a test's own request");
        exchange(self.app.clone(), request).await
    }

    fn request(&self, method: Method, path: &str) -> http::request::Builder {
        let request = Request::builder().method(method).uri(path);
        match (&self.shown, self.cookies()) {
            (Some(shown), _) => request.header(COOKIE, shown),
            (None, Some(cookies)) => request.header(COOKIE, cookies),
            (None, None) => request,
        }
    }

    /// Keeps the cookies of a reply.
    pub fn keep(&mut self, reply: &Reply) {
        self.jar.receive(&reply.headers, ORIGIN);
    }

    /// The `Cookie` header of the next request.
    #[must_use]
    pub fn cookies(&self) -> Option<String> {
        self.jar.cookie_header(ORIGIN)
    }

    /// The cookies as the browser keeps them.
    #[must_use]
    pub fn jar(&self) -> &Jar {
        &self.jar
    }

    /// The jar, to close the browser or to advance its clock.
    pub fn jar_mut(&mut self) -> &mut Jar {
        &mut self.jar
    }
}

/// Sends one request through an app.
///
/// # Panics
/// If the body fails. The bodies in tests are all in memory.
pub async fn exchange(app: Router, request: Request<Body>) -> Reply {
    let Ok(response) = app.oneshot(request).await;
    let (parts, body) = response.into_parts();
    let body = body.collect().await.expect("a body in memory").to_bytes();
    Reply {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    }
}

const ORIGIN: &str = "https://shop.example/";
