//! Malformed and forged input: one answer for all, without a panic, before the store is called.

use http::{Method, StatusCode};
use serde_json::json;
use starsessions_tests::device::{Bound, Device, challenge, invitation};

use super::*;

/// Asserts that the request is refused with the status that ends a binding, after `loads` loads and no write.
async fn refused<S: Store + Clone>(
    site: &Site<S>,
    client: &mut Client,
    path: &str,
    headers: &[(&str, &str)],
    loads: u32,
    why: &str,
) {
    let _ = site.store.take_calls();
    let reply = client.ask_with(Method::POST, path, headers).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{why}: {reply:?}");
    assert_eq!(reply.body, "", "{why}");
    assert!(!reply.sets_cookie(), "{why}");
    assert!(
        !reply.headers.contains_key("secure-session-challenge"),
        "{why}"
    );
    let calls = site.store.take_calls();
    assert_eq!((calls.loads, calls.writes()), (loads, 0), "{why}");
}

async fn refuse_proof<S: Store + Clone>(
    site: &Site<S>,
    client: &mut Client,
    bound: &Bound,
    proof: &str,
    why: &str,
) {
    let headers = [
        ("sec-secure-session-id", bound.identifier.as_str()),
        ("secure-session-response", proof),
    ];
    refused(site, client, "/dbsc/refresh", &headers, 0, why).await;
}

#[tokio::test]
async fn forged_refreshes_are_refused_alike() {
    let site = site();
    let (mut client, mut bound) = signed_in(&site).await;
    let (_, other) = signed_in(&site).await;
    let challenge = bound.challenge.clone().unwrap();
    let device = &bound.device;
    let head = json!({"alg": "ES256", "typ": "dbsc+jwt"});
    let claims = json!({ "jti": challenge });
    let none = device.sign(&json!({"alg": "none", "typ": "dbsc+jwt"}), &claims);
    let unsigned = none.rsplit_once('.').unwrap().0.to_owned() + ".";
    let stranger = Device::new(9);
    let own_jwk = json!({"alg": "ES256", "typ": "dbsc+jwt", "jwk": stranger.jwk()});
    let invited = challenge_of_a_registration(&site).await;
    for (proof, why) in [
        (String::new(), "empty"),
        ("a.b.c".to_owned(), "no JSON"),
        (none, "alg none, signed"),
        (unsigned, "alg none, unsigned"),
        (
            device.sign(&json!({"alg": "RS256", "typ": "dbsc+jwt"}), &claims),
            "another algorithm",
        ),
        (
            device.sign(&json!({"alg": "ES256", "typ": "jwt"}), &claims),
            "another type",
        ),
        (device.sign(&head, &json!({})), "no challenge"),
        (
            device.sign(&head, &json!({"jti": challenge, "pad": "x".repeat(3_000)})),
            "oversized",
        ),
        (stranger.proof(&challenge), "a foreign key"),
        (
            stranger.sign(&own_jwk, &claims),
            "a foreign key that it brings",
        ),
        (device.proof("C0"), "a challenge of another server"),
        (device.proof(&challenge[1..]), "a cut challenge"),
        (
            device.proof(other.challenge.as_ref().unwrap()),
            "another session's challenge",
        ),
        (device.proof(&invited), "the challenge of a registration"),
        (device.proof(&bound.identifier), "an identifier"),
    ] {
        refuse_proof(&site, &mut client, &bound, &proof, why).await;
    }
    let proof = device.proof(&challenge);
    let twice = [
        ("sec-secure-session-id", bound.identifier.as_str()),
        ("secure-session-response", &proof),
        ("secure-session-response", &proof),
    ];
    refused(&site, &mut client, "/dbsc/refresh", &twice, 0, "two proofs").await;
    assert_eq!(
        client.refresh(&mut bound).await.status,
        StatusCode::OK,
        "and a good one"
    );
}

async fn challenge_of_a_registration<S: Store + Clone>(site: &Site<S>) -> String {
    let mut client = site.serve(routes());
    invitation(&client.post("/login").await).unwrap().1
}

#[tokio::test]
async fn another_sessions_name_with_this_ones_proof_is_refused() {
    let site = site();
    let (mut client, bound) = signed_in(&site).await;
    let (_, other) = signed_in(&site).await;
    let proof = bound.device.proof(bound.challenge.as_ref().unwrap());
    refuse_proof(&site, &mut client, &other, &proof, "the other session").await;
    let headers = [("secure-session-response", proof.as_str())];
    refused(&site, &mut client, "/dbsc/refresh", &headers, 0, "no name").await;
    let mut changed = bound.identifier.clone();
    changed.replace_range(100..101, if &changed[100..101] == "A" { "B" } else { "A" });
    for (name, why) in [
        ("", "empty"),
        ("x", "short"),
        (&*changed, "changed"),
        (&*"A".repeat(10_000), "long"),
        (bound.challenge.as_ref().unwrap(), "a challenge"),
    ] {
        let headers = [
            ("sec-secure-session-id", name),
            ("secure-session-response", &proof),
        ];
        refused(&site, &mut client, "/dbsc/refresh", &headers, 0, why).await;
    }
}

#[tokio::test]
async fn forged_registrations_are_refused_alike() {
    let site = site();
    let mut client = site.serve(routes());
    let (_, challenge) = invitation(&client.post("/login").await).unwrap();
    let device = Device::new(1);
    let claims = json!({ "jti": challenge });
    let jwk = |jwk: serde_json::Value| {
        let head = json!({"alg": "ES256", "typ": "dbsc+jwt", "jwk": jwk});
        device.sign(&head, &claims)
    };
    for (proof, why) in [
        (String::new(), "empty"),
        (device.proof(&challenge), "no key"),
        (jwk(Device::new(2).jwk()), "another's key"),
        (
            device.sign(
                &json!({"alg": "none", "typ": "dbsc+jwt", "jwk": device.jwk()}),
                &claims,
            ),
            "alg none",
        ),
        (device.registration("C0"), "another server's challenge"),
        (device.registration(""), "an empty challenge"),
    ] {
        let headers = [("secure-session-response", proof.as_str())];
        refused(&site, &mut client, "/dbsc/register", &headers, 0, why).await;
    }
    refused(&site, &mut client, "/dbsc/register", &[], 0, "nothing").await;
    site.wait_seconds(300);
    let proof = device.registration(&challenge);
    let headers = [("secure-session-response", proof.as_str())];
    refused(
        &site,
        &mut client,
        "/dbsc/register",
        &headers,
        0,
        "too late",
    )
    .await;
}

#[tokio::test]
async fn a_session_has_one_device() {
    let site = site();
    let mut client = site.serve(routes());
    let invited = client.post("/login").await;
    let mut bound = client.bind(&Device::new(1), &invited).await;
    let (_, challenge) = invitation(&invited).unwrap();
    for device in [Device::new(1), Device::new(2)] {
        let proof = device.registration(&challenge);
        let headers = [("secure-session-response", proof.as_str())];
        refused(
            &site,
            &mut client,
            "/dbsc/register",
            &headers,
            1,
            "a second",
        )
        .await;
    }
    assert_eq!(client.refresh(&mut bound).await.status, StatusCode::OK);
}

#[tokio::test]
async fn of_two_registrations_at_once_one_counts() {
    let site = site();
    let mut client = site.serve(routes());
    let invited = client.post("/login").await;
    site.store.slow_down();
    let (mut a, mut b) = (client.clone(), client.clone());
    let (one, two) = (Device::new(1), Device::new(2));
    let (one, two) = tokio::join!(a.register(&one, &invited), b.register(&two, &invited));
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400]);
    assert!(challenge(&one, "").is_none());
    client.keep(&one);
}
