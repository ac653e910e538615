//! Registration and refresh.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::json;
use starsessions_tests::device::{Device, challenge, invitation};
use starsessions_tests::spy::{Moment, Operation};

use super::*;

#[tokio::test]
async fn a_sign_in_invites_to_register() {
    let site = site();
    let mut client = site.serve(routes());
    let begun = client.post("/cart").await;
    assert!(invitation(&begun).is_some(), "a session has got its id");
    assert!(invitation(&client.post("/cart").await).is_none());
    assert!(invitation(&client.get("/cart").await).is_none());
    let signed_in = client.post("/login").await;
    let (path, _) = invitation(&signed_in).expect("a session has got a privilege");
    assert_eq!(path, "/dbsc/register");
    let header = &signed_in.headers["secure-session-registration"];
    assert!(header.is_sensitive(), "not for logs");
    assert!(invitation(&client.get("/account").await).is_none());
    let plain = Site::new().serve(routes()).post("/login").await;
    assert!(invitation(&plain).is_none(), "without the setting");
}

#[tokio::test]
async fn guests_are_left_alone_if_the_layer_says_so() {
    let site = with(|device| device.guests(false));
    let mut client = site.serve(routes());
    assert!(invitation(&client.post("/cart").await).is_none());
    assert!(invitation(&client.post("/login").await).is_some());
}

/// The invitation would be sent to a thief as well.
#[tokio::test]
async fn a_renewal_by_age_invites_nobody() {
    let site = Site::with(|layer| {
        let layer = layer.renewal(Duration::from_secs(900));
        layer.device_bound(|device| device)
    });
    let mut client = site.serve(routes());
    client.post("/login").await;
    let cookie = client.cookies();
    site.wait_seconds(900);
    let renewed = client.get("/account").await;
    assert_ne!(client.cookies(), cookie, "another id");
    assert_eq!(invitation(&renewed), None);
}

#[tokio::test]
async fn a_registration_tells_what_a_browser_needs() {
    let site = with(|device| device.exclude("/static").initiator("*.example.com"));
    let mut client = site.serve(routes());
    let invited = client.post("/login").await;
    let reply = client.register(&Device::new(1), &invited).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.headers["content-type"], "application/json");
    assert_eq!(reply.headers["cache-control"], "private, no-store");
    let configuration: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
    let identifier = configuration["session_identifier"].as_str().unwrap();
    let attributes = "HttpOnly; SameSite=Lax; Secure; Path=/";
    assert_eq!(
        configuration,
        json!({
            "session_identifier": identifier,
            "refresh_url": "/dbsc/refresh",
            "scope": {
                "include_site": false,
                "scope_specification": [{"type": "exclude", "domain": "*", "path": "/static"}],
            },
            "credentials": [{"type": "cookie", "name": "__Host-bound", "attributes": attributes}],
            "allowed_refresh_initiators": ["*.example.com"],
        })
    );
    let [line] = reply.set_cookies()[..] else {
        panic!("{reply:?}");
    };
    let (_, set) = line.split_once("; ").unwrap();
    assert_eq!(set, format!("{attributes}; Max-Age=590"));
    assert!(
        challenge(&reply, identifier).is_some(),
        "the next is sent ahead"
    );
}

#[tokio::test]
async fn a_refresh_takes_one_request_and_no_cookie() {
    let site = site();
    let (mut client, mut bound) = signed_in(&site).await;
    pass(&site, &mut client, 590);
    assert_eq!(client.get("/account").await.status, StatusCode::FORBIDDEN);
    let proof = bound.device.proof(bound.challenge.as_ref().unwrap());
    let mut without_cookies = client.showing("");
    let reply = without_cookies.refresh_with(&bound, Some(&proof)).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
    assert_eq!(reply.body, "", "what was configured stays");
    assert_eq!(reply.set_cookies().len(), 1);
    client.keep(&reply);
    assert_eq!(client.get("/account").await.body, "user 7");
    bound.challenge = challenge(&reply, &bound.identifier);
    assert!(bound.challenge.is_some());
    pass(&site, &mut client, 600);
    assert_eq!(client.refresh(&mut bound).await.status, StatusCode::OK);
    assert_eq!(client.get("/account").await.body, "user 7");
}

#[tokio::test]
async fn a_refresh_without_a_challenge_gets_one() {
    let site = site();
    let (mut client, mut bound) = signed_in(&site).await;
    let _ = site.store.take_calls();
    let reply = client.refresh_with(&bound, None).await;
    assert_eq!(reply.status, StatusCode::FORBIDDEN);
    assert!(!reply.sets_cookie());
    assert_eq!(
        site.store.take_calls(),
        Default::default(),
        "no store is asked"
    );
    bound.challenge = challenge(&reply, &bound.identifier);
    assert_eq!(client.refresh(&mut bound).await.status, StatusCode::OK);
}

#[tokio::test]
async fn texts_in_quotes_are_taken_too() {
    let site = site();
    let (mut client, bound) = signed_in(&site).await;
    let proof = bound.device.proof(bound.challenge.as_ref().unwrap());
    let headers = [
        (
            "sec-secure-session-id",
            &*format!("\"{}\"", bound.identifier),
        ),
        ("secure-session-response", &*format!("\"{proof}\"")),
    ];
    let reply = client
        .ask_with(Method::POST, "/dbsc/refresh", &headers)
        .await;
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
    assert!(challenge(&reply, &bound.identifier).is_some(), "{reply:?}");
    client.keep(&reply);
}

#[tokio::test]
async fn a_challenge_that_was_answered_or_is_old_is_replaced() {
    let site = site();
    let (mut client, mut bound) = signed_in(&site).await;
    let proof = bound.device.proof(bound.challenge.as_ref().unwrap());
    let first = client.refresh_with(&bound, Some(&proof)).await;
    assert_eq!(first.status, StatusCode::OK);
    for wait in [0, 1, 600] {
        pass(&site, &mut client, wait);
        let replayed = client.refresh_with(&bound, Some(&proof)).await;
        assert_eq!(replayed.status, StatusCode::FORBIDDEN);
        assert!(!replayed.sets_cookie());
        assert!(challenge(&replayed, &bound.identifier).is_some());
    }
    bound.challenge = challenge(&first, &bound.identifier);
    let ahead = bound.device.proof(bound.challenge.as_ref().unwrap());
    pass(&site, &mut client, 300);
    let _ = site.store.take_calls();
    let late = client.refresh_with(&bound, Some(&ahead)).await;
    assert_eq!(late.status, StatusCode::FORBIDDEN, "it has waited too long");
    assert_eq!(
        site.store.take_calls(),
        Default::default(),
        "no store is asked"
    );
    assert_eq!(client.refresh(&mut bound).await.status, StatusCode::OK);
}

#[tokio::test]
async fn of_two_refreshes_with_one_proof_one_counts() {
    let site = site();
    let (mut client, bound) = signed_in(&site).await;
    let proof = bound.device.proof(bound.challenge.as_ref().unwrap());
    let gate = site.store.hold(Operation::Replace, Moment::Before);
    let (mut first, mut second) = (client.clone(), client.clone());
    let (one, two) = tokio::join!(first.refresh_with(&bound, Some(&proof)), async {
        gate.reached().await;
        site.store.release();
        let reply = second.refresh_with(&bound, Some(&proof)).await;
        gate.open();
        reply
    });
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 403]);
    client.keep(&one);
}

#[tokio::test]
async fn a_store_that_fails_does_not_end_the_binding() {
    let site = site();
    let (mut client, mut bound) = signed_in(&site).await;
    for operation in [Operation::Load, Operation::Replace] {
        site.store.fail(operation, Moment::Before);
        let reply = client.refresh(&mut bound).await;
        assert_eq!(
            reply.status,
            StatusCode::SERVICE_UNAVAILABLE,
            "{operation:?}"
        );
        assert!(!reply.sets_cookie());
        site.store.recover();
        assert_eq!(client.refresh(&mut bound).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn the_layer_answers_its_paths_and_no_others() {
    let site = with(|device| device.paths("/auth/register", "/auth/refresh"));
    let mut client = site.serve(routes());
    let invited = client.post("/login").await;
    let bound = client.bind(&Device::new(1), &invited).await;
    assert_eq!(bound.refresh, "/auth/refresh");
    assert_eq!(
        client.post("/dbsc/refresh").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        client.get("/auth/refresh").await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        client.post("/auth/refresh").await.status,
        StatusCode::BAD_REQUEST
    );
}
