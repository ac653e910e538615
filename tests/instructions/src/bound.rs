//! A session that is bound to a device, with a device in software.

use axum::Router;
use axum::body::Body;
use base64ct::{Base64UrlUnpadded, Encoding};
use http::header::SET_COOKIE;
use http::{HeaderValue, Request, Response};
use p256::ecdsa::signature::Signer;
use p256::ecdsa::{Signature, SigningKey};
use starsessions::testing::cookie_header;
use starsessions::{KeyRing, MemoryStore, SessionLayer};
use tower::Service;

/// The routes behind a layer with device binding.
pub(crate) fn app() -> Router {
    let keys = KeyRing::generate().expect("randomness");
    let layer = SessionLayer::builder(MemoryStore::new(), keys).device_bound(|device| device);
    crate::routes().layer(layer.build().expect("settings that work together"))
}

/// Binds the session that a response has begun, and returns the cookies of the next request.
pub(crate) async fn register(app: &mut Router, begun: &Response<Body>) -> HeaderValue {
    let invitation = begun.headers()["secure-session-registration"].to_str();
    let invitation = invitation.expect("text").split('"').collect::<Vec<_>>();
    let request = Request::post(invitation[1])
        .header("secure-session-response", proof(invitation[3]))
        .body(Body::empty());
    let registered = app.call(request.expect("a valid request")).await;
    let registered = registered.expect("infallible");
    let short = registered.headers()[SET_COOKIE].to_str().expect("text");
    let (short, _) = short.split_once(';').expect("attributes");
    let session = cookie_header(begun).expect("a session");
    let session = session.to_str().expect("text");
    let cookies = HeaderValue::try_from(format!("{session}; {short}")).expect("a header");
    let read = crate::call(app, "/read", Some(&cookies)).await;
    assert!(read.status().is_success(), "the proof is taken");
    cookies
}

fn proof(challenge: &str) -> String {
    let key = SigningKey::from_slice(&[7; 32]).expect("a key");
    let point = key.verifying_key().to_sec1_point(false);
    let [x, y] =
        [1..33, 33..65].map(|range| Base64UrlUnpadded::encode_string(&point.as_bytes()[range]));
    let head = format!(
        r#"{{"alg":"ES256","typ":"dbsc+jwt","jwk":{{"kty":"EC","crv":"P-256","x":"{x}","y":"{y}"}}}}"#
    );
    let claims = format!(r#"{{"jti":"{challenge}"}}"#);
    let [head, claims] =
        [head, claims].map(|part| Base64UrlUnpadded::encode_string(part.as_bytes()));
    let signed = format!("{head}.{claims}");
    let signature: Signature = key.sign(signed.as_bytes());
    let signature = Base64UrlUnpadded::encode_string(&signature.to_bytes());
    format!("{signed}.{signature}")
}
