//! Sessions together with popular crates for axum: the code of the guide "Beside other crates".

pub mod aide_api;
pub mod dioxus_api;
pub mod leptos_api;
pub mod typed_routes;
pub mod utoipa_api;

#[cfg(test)]
mod axum_test_api;
#[cfg(test)]
mod macros;
#[cfg(test)]
mod reqwest_api;
#[cfg(test)]
mod tower_http_csrf;
#[cfg(test)]
mod tower_http_layers;

use axum::Router;
use axum::body::Body;
use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower::ServiceExt;

/// Sends one request, and returns the response with its body as text.
pub async fn send(app: &Router, request: Request<Body>) -> (Response<()>, String) {
    let (parts, body) = app
        .clone()
        .oneshot(request)
        .await
        .expect("it never fails")
        .into_parts();
    let body = body.collect().await.expect("a whole body").to_bytes();
    let body = String::from_utf8(body.to_vec()).expect("text");
    (Response::from_parts(parts, ()), body)
}

/// A GET with this `Cookie` header.
pub async fn get(app: &Router, path: &str, cookie: &str) -> (StatusCode, String) {
    let request = Request::get(path)
        .header("cookie", cookie)
        .body(Body::empty());
    let (response, body) = send(app, request.expect("a request")).await;
    (response.status(), body)
}

/// Calls a server function with this `Cookie` header. Returns the response's text and the cookie that it sets.
pub async fn call(app: &Router, method: &str, path: &str, cookie: &str) -> (String, String) {
    let request = Request::builder().method(method).uri(path);
    let request = request
        .header("content-type", "application/x-www-form-urlencoded")
        .header("cookie", cookie);
    let (response, body) = send(app, request.body(Body::empty()).expect("a request")).await;
    assert!(response.status().is_success(), "{response:?}: {body}");
    let set = response.headers().get("set-cookie");
    let set = set.map_or("", |line| line.to_str().expect("text"));
    (body, set.split(';').next().unwrap_or_default().to_owned())
}
