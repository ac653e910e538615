//! Servers whose clocks differ.

use std::time::Duration;

use starsessions::config::Clock;
use starsessions_tests::device::{challenge, invitation};

use super::*;

/// The same sessions on another server, whose clock is behind by this many seconds.
fn behind(site: &Site, seconds: u64) -> Site {
    let other = site.restarted(|layer| layer.device_bound(|device| device));
    let now = site.clock().now().as_unix_seconds();
    other.clock().set(now - seconds);
    other
}

#[tokio::test]
async fn a_server_that_is_behind_asks_for_no_proof_that_it_would_refuse() {
    let site = site();
    let mut client = site.serve(routes());
    let invited = client.post("/login").await;
    let mut bound = client.bind(&Device::new(1), &invited).await;
    let mut client = client.at(&behind(&site, 50).serve(routes()));
    bound.challenge = None;
    let refreshed = client.refresh(&mut bound).await;
    assert_eq!(refreshed.status, StatusCode::OK);
    assert_eq!(client.get("/vault").await.body, "vault of 7");
    // The server also accepts the challenge that it has sent ahead.
    assert_eq!(client.refresh(&mut bound).await.status, StatusCode::OK);
}

/// A challenge from a clock that is far ahead could just as well be chosen by an attacker.
#[tokio::test]
async fn what_is_from_the_future_is_not_taken() {
    let site = site();
    let mut client = site.serve(routes());
    let invited = client.post("/login").await;
    let early = client.clone();
    let (_, unused) = invitation(&site.serve(routes()).post("/login").await).unwrap();
    let bound = client.bind(&Device::new(1), &invited).await;

    let near = behind(&site, 60).serve(routes());
    let far = behind(&site, 61).serve(routes());
    assert_eq!(client.at(&near).get("/vault").await.body, "vault of 7");
    let refused = client.at(&far).get("/vault").await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "the short cookie");
    let refused = early.at(&far).get("/account").await;
    assert_eq!(
        refused.status,
        StatusCode::FORBIDDEN,
        "no request was on its way"
    );

    let proof = bound.device.proof(bound.challenge.as_ref().unwrap());
    let refused = client.at(&far).refresh_with(&bound, Some(&proof)).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN, "the challenge");
    let taken = client.at(&near).refresh_with(&bound, Some(&proof)).await;
    assert_eq!(taken.status, StatusCode::OK);
    assert!(challenge(&taken, &bound.identifier).is_some());

    let proof = bound.device.registration(&unused);
    let headers = [("secure-session-response", proof.as_str())];
    for (server, status) in [(&far, StatusCode::BAD_REQUEST), (&near, StatusCode::OK)] {
        let reply = server
            .ask_with(Method::POST, "/dbsc/register", &headers)
            .await;
        assert_eq!(reply.status, status, "the invitation");
    }
}

#[tokio::test]
async fn a_proof_is_good_for_the_life_that_was_set() {
    let site = with(|device| device.life(Duration::from_secs(300)));
    let (client, _) = signed_in(&site).await;
    let mut thief = client.showing(client.cookies().unwrap());
    site.wait_seconds(289);
    assert_eq!(thief.get("/account").await.status, StatusCode::OK);
    site.wait_seconds(1);
    assert_eq!(thief.get("/account").await.status, StatusCode::FORBIDDEN);
}
