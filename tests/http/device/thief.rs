//! Attacks by a thief: copies, floods, races and unsuitable keys.

use serde_json::json;
use starsessions_tests::device::{challenge, invitation};
use starsessions_tests::spy::{Calls, Moment, Operation};

use super::*;

#[tokio::test]
async fn a_copy_from_before_the_registration_gets_no_invitation() {
    let site = site();
    let mut client = site.serve(routes());
    let invited = client.post("/login").await;
    let mut thief = client.clone();
    for path in ["/account", "/vault", "/cart", "/bound", "/"] {
        assert_eq!(invitation(&thief.get(path).await), None, "{path}");
    }
    for path in ["/cart", "/others"] {
        assert_eq!(invitation(&thief.post(path).await), None, "{path}");
    }
    client.bind(&Device::new(1), &invited).await;
    pass(&site, &mut client, 10);
    assert_eq!(thief.get("/account").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_sign_in_beside_a_refresh_ends_the_former_binding() {
    for held in [Operation::Replace, Operation::Rotate] {
        let site = site();
        let (client, mut bound) = signed_in(&site).await;
        let proof = bound.device.proof(bound.challenge.as_ref().unwrap());
        let gate = site.store.hold(held, Moment::Before);
        let (mut refreshing, mut signing_in) = (client.clone(), client.clone());
        let refresh = async |client: &mut Client| client.refresh_with(&bound, Some(&proof)).await;
        let (refreshed, signed_in) = if held == Operation::Replace {
            tokio::join!(refresh(&mut refreshing), async {
                gate.reached().await;
                site.store.release();
                let reply = signing_in.post("/login").await;
                gate.open();
                reply
            })
        } else {
            let (signed_in, refreshed) = tokio::join!(signing_in.post("/login"), async {
                gate.reached().await;
                site.store.release();
                let reply = refresh(&mut refreshing).await;
                gate.open();
                reply
            });
            (refreshed, signed_in)
        };
        let overtaken = held == Operation::Replace;
        assert_eq!(refreshed.sets_cookie(), !overtaken, "{held:?}");
        assert!(invitation(&signed_in).is_some(), "{held:?}");
        let again = signing_in.bind(&Device::new(1), &signed_in).await;
        assert_ne!(again.identifier, bound.identifier);
        pass(&site, &mut signing_in, 10);
        assert_eq!(signing_in.get("/vault").await.body, "vault of 7");
        bound.challenge = challenge(&refreshed, &bound.identifier);
        let late = refreshing.refresh(&mut bound).await;
        assert_eq!(late.status, StatusCode::BAD_REQUEST, "{held:?}");
        assert_eq!(refreshing.get("/vault").await.status, 401, "{held:?}");
    }
}

#[tokio::test]
async fn a_flood_of_forgeries_asks_no_store() {
    let site = site();
    let (client, bound) = signed_in(&site).await;
    let stranger = Device::new(9);
    let challenge = bound.challenge.clone().unwrap();
    let invited = invitation(&site.serve(routes()).post("/login").await);
    let registration = Device::new(2).sign(
        &json!({ "alg": "ES256", "typ": "dbsc+jwt", "jwk": stranger.jwk() }),
        &json!({ "jti": invited.unwrap().1 }),
    );
    let _ = site.store.take_calls();
    for _ in 0..50 {
        let mut client = client.showing("");
        let proof = stranger.proof(&challenge);
        let refused = client.refresh_with(&bound, Some(&proof)).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        let asked = client.refresh_with(&bound, None).await;
        assert_eq!(asked.status, StatusCode::FORBIDDEN);
        let headers = [("secure-session-response", registration.as_str())];
        let refused = client
            .ask_with(Method::POST, "/dbsc/register", &headers)
            .await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    }
    assert_eq!(site.store.take_calls(), Calls::default());
}

#[tokio::test]
async fn a_name_or_a_proof_twice_is_none() {
    let site = site();
    let (mut client, mut bound) = signed_in(&site).await;
    let (_, other) = signed_in(&site).await;
    let proof = bound.device.proof(bound.challenge.as_ref().unwrap());
    let (name, response) = ("sec-secure-session-id", "secure-session-response");
    let (ours, theirs) = (bound.identifier.as_str(), other.identifier.as_str());
    for headers in [
        &[(name, ours), (name, ours), (response, &proof)][..],
        &[(name, ours), (name, theirs), (response, &proof)],
        &[(name, ours), (response, &proof), (response, "")],
    ] {
        let reply = client
            .ask_with(Method::POST, "/dbsc/refresh", headers)
            .await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{headers:?}");
    }
    let invited = invitation(&site.serve(routes()).post("/login").await);
    let proof = Device::new(2).registration(&invited.unwrap().1);
    let twice = [(response, proof.as_str()); 2];
    let reply = client
        .ask_with(Method::POST, "/dbsc/register", &twice)
        .await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(client.refresh(&mut bound).await.status, StatusCode::OK);
}

/// The server offered ES256. A TPM without elliptic curves would send a key of this form.
#[tokio::test]
async fn a_key_of_rsa_is_refused_and_the_session_stays_unbound() {
    let site = site();
    let mut client = site.serve(routes());
    let invited = client.post("/login").await;
    let (path, challenge) = invitation(&invited).unwrap();
    let n = "v".repeat(342);
    let jwk = json!({ "kty": "RSA", "n": n, "e": "AQAB" });
    let head = json!({ "alg": "RS256", "typ": "dbsc+jwt", "jwk": jwk });
    let signed = Device::new(1).sign(&head, &json!({ "jti": challenge }));
    let proof = format!("{}.{n}", signed.rsplit_once('.').unwrap().0);
    let _ = site.store.take_calls();
    let headers = [("secure-session-response", proof.as_str())];
    let refused = client.ask_with(Method::POST, &path, &headers).await;
    assert_eq!(
        (refused.status, &*refused.body),
        (StatusCode::BAD_REQUEST, "")
    );
    assert_eq!(site.store.take_calls(), Calls::default());
    assert_eq!(client.get("/vault").await.body, "vault of 7");
    assert_eq!(client.get("/bound").await.body, "Some(false) [false]");
}

/// Each realm derives its own keys.
#[tokio::test]
async fn a_name_of_one_realm_means_nothing_in_another() {
    let site = site();
    let (client, bound) = signed_in(&site).await;
    let admin = site.restarted(|layer| layer.realm("admin").device_bound(|device| device));
    let headers = [("sec-secure-session-id", bound.identifier.as_str())];
    for (app, path, status) in [
        (&client, "/dbsc/refresh", StatusCode::FORBIDDEN),
        (
            &admin.serve(Router::new()),
            "/dbsc/admin/refresh",
            StatusCode::BAD_REQUEST,
        ),
    ] {
        let reply = app.ask_with(Method::POST, path, &headers).await;
        assert_eq!(reply.status, status, "{path}");
    }
}

/// A detached handle outlives the request, so it needs the proof as well.
#[tokio::test]
async fn a_detached_handle_takes_the_proof() {
    async fn detach(session: CurrentSession) -> Result<(), SessionError> {
        session.detach::<Login>().await.map(|_| ())
    }
    async fn detach_marked(session: CurrentSession) -> Result<(), SessionError> {
        session.detach::<Vault>().await.map(|_| ())
    }
    async fn get_marked(session: CurrentSession) -> Result<(), SessionError> {
        session.get::<Vault>().await.map(|_| ())
    }
    use starsessions::config::Proven;
    for (proven, unmarked) in [
        (Proven::Everywhere, StatusCode::FORBIDDEN),
        (Proven::InBoundViews, StatusCode::OK),
    ] {
        let site = with(|device| device.proven(proven));
        let (client, _) = signed_in(&site).await;
        let more = routes()
            .route("/detach", get(detach))
            .route("/detach-marked", get(detach_marked))
            .route("/get-marked", get(get_marked));
        let mut client = client.at(&site.serve(more));
        for (path, status) in [
            ("/detach", unmarked),
            ("/detach-marked", StatusCode::FORBIDDEN),
            ("/get-marked", StatusCode::FORBIDDEN),
        ] {
            assert_eq!(client.get(path).await.status, StatusCode::OK, "{path}");
            let stolen = thief(&client, SESSION).get(path).await;
            assert_eq!(stolen.status, status, "{path} {proven:?}");
        }
    }
}

/// A list shows the user's sessions, and a revocation ends them.
#[tokio::test]
async fn a_list_and_a_revocation_take_the_proof() {
    use starsessions::config::Proven;
    async fn list(session: CurrentSession) -> Result<(), SessionError> {
        session.list::<Login>().await.map(drop)
    }
    async fn list_marked(session: CurrentSession) -> Result<(), SessionError> {
        session.list::<Vault>().await.map(drop)
    }
    async fn others_marked(session: CurrentSession) -> Result<(), SessionError> {
        session.revoke_others::<Vault>().await.map(drop)
    }
    async fn end_marked(session: CurrentSession) -> Result<(), SessionError> {
        let own = session.list::<Login>().await?.remove(0);
        session.revoke::<Vault>(own.id).await.map(drop)
    }
    for (proven, unmarked) in [
        (Proven::Everywhere, StatusCode::FORBIDDEN),
        (Proven::InBoundViews, StatusCode::OK),
    ] {
        let site = with(|device| device.proven(proven));
        let (client, _) = signed_in(&site).await;
        let more = routes()
            .route("/list", get(list))
            .route("/list-marked", get(list_marked))
            .route("/others-marked", post(others_marked))
            .route("/end-marked", post(end_marked));
        let mut client = client.at(&site.serve(more));
        for (method, path, status) in [
            (Method::GET, "/list", unmarked),
            (Method::POST, "/others", unmarked),
            (Method::GET, "/list-marked", StatusCode::FORBIDDEN),
            (Method::POST, "/others-marked", StatusCode::FORBIDDEN),
            (Method::POST, "/end-marked", StatusCode::FORBIDDEN),
        ] {
            let stolen = thief(&client, SESSION).ask(method.clone(), path).await;
            assert_eq!(stolen.status, status, "{path} {proven:?}");
            assert_eq!(client.get("/account").await.body, "user 7", "{path}");
            let own = client.ask(method, path).await;
            assert_eq!(own.status, StatusCode::OK, "{path} {proven:?}");
        }
        client.get("/account").await.leads_to("/login");
    }
}

/// A stream opened by a thief would be worth as much as the cookie.
#[tokio::test]
async fn a_stream_ends_with_the_proof_that_it_was_opened_with() {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use starsessions::Detached;
    use starsessions::config::Proven;

    for (proven, ends) in [(Proven::Everywhere, true), (Proven::InBoundViews, false)] {
        let held = Arc::new(Mutex::new(None::<Detached<Cart>>));
        let keep = Arc::clone(&held);
        let follow = async move |cart: Session<Cart>| {
            *keep.lock().unwrap() = Some(cart.detach()?);
            Ok::<_, SessionError>(())
        };
        let site = Site::with(|layer| {
            let layer = layer.watch_interval(Duration::from_millis(20));
            layer.device_bound(|device| device.proven(proven))
        });
        let mut client = site.serve(routes().route("/follow", post(follow)));
        client.post("/cart").await;
        let invited = client.post("/login").await;
        let taken = |reply: Reply| {
            assert_eq!(reply.status, StatusCode::OK);
            held.lock().unwrap().take().unwrap()
        };
        // `early` is opened before the device is registered, `late` with copied cookies, `mine` with a fresh proof.
        let early = taken(client.post("/follow").await);
        site.wait_seconds(100);
        let mut bound = client.bind(&Device::new(1), &invited).await;
        site.wait_seconds(300);
        let stolen = client.showing(client.cookies().unwrap());
        let late = taken(stolen.clone().post("/follow").await);
        assert_eq!(client.refresh(&mut bound).await.status, StatusCode::OK);
        let mine = taken(client.post("/follow").await);

        site.wait_seconds(299);
        let mut watches = [&early, &late, &mine].map(|it| it.watch());
        for watch in &mut watches {
            assert!(watch.next().await.is_some(), "all follow");
        }
        site.wait_seconds(1);
        for (watch, ends) in watches.iter_mut().zip([ends, ends, false]) {
            // Many times the interval, to see that the watch stays open.
            let patience = Duration::from_millis(if ends { 60_000 } else { 400 });
            let is_over = tokio::time::timeout(patience, watch.ended());
            assert_eq!(is_over.await.is_ok(), ends, "{proven:?}");
        }
        early.load().await.expect("a task goes on");
        assert_eq!(client.get("/cart").await.body, "tea");
    }
}
