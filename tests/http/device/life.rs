//! A binding ends with its session, on the server and in the browser.

use starsessions::keys::Key;
use starsessions::{KeyRing, Lifetime, MemoryStore, SqliteStore};
use starsessions_tests::device::invitation;
use starsessions_tests::servers::Folder;
use starsessions_tests::spy::{Moment, Operation};
use std::time::Duration;

use super::*;

async fn is_over<S: Store + Clone>(site: &Site<S>, client: &mut Client, bound: &mut Bound) {
    site.wait_seconds(1);
    let proof = client.refresh_with(bound, None).await;
    bound.challenge = starsessions_tests::device::challenge(&proof, &bound.identifier);
    let reply = client.refresh(bound).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{reply:?}");
    assert!(!reply.sets_cookie(), "{reply:?}");
}

#[tokio::test]
async fn a_logout_ends_the_binding() {
    let site = site();
    let (mut client, mut bound) = signed_in(&site).await;
    assert_eq!(client.post("/logout").await.status, StatusCode::OK);
    is_over(&site, &mut client, &mut bound).await;
}

#[tokio::test]
async fn a_logout_beside_a_refresh_wins() {
    let site = site();
    let (client, bound) = signed_in(&site).await;
    let proof = bound.device.proof(bound.challenge.as_ref().unwrap());
    let gate = site.store.hold(Operation::Replace, Moment::Before);
    let (mut refreshing, mut leaving) = (client.clone(), client.clone());
    let (reply, ()) = tokio::join!(refreshing.refresh_with(&bound, Some(&proof)), async {
        gate.reached().await;
        assert_eq!(leaving.post("/logout").await.status, StatusCode::OK);
        gate.open();
    });
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert!(!reply.sets_cookie());
    assert_eq!(site.rows(), 0);
}

#[tokio::test]
async fn a_logout_beside_a_registration_wins() {
    let site = site();
    let mut client = site.serve(routes());
    let invited = client.post("/login").await;
    let gate = site.store.hold(Operation::Replace, Moment::Before);
    let (mut registering, mut leaving) = (client.clone(), client.clone());
    let device = Device::new(1);
    let (reply, ()) = tokio::join!(registering.register(&device, &invited), async {
        gate.reached().await;
        assert_eq!(leaving.post("/logout").await.status, StatusCode::OK);
        gate.open();
    });
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(site.rows(), 0);
}

#[tokio::test]
async fn a_session_that_another_one_ends_is_ended_for_its_device() {
    let site = site();
    let (mut lost, mut bound) = signed_in(&site).await;
    let (mut here, mut kept) = signed_in(&site).await;
    assert_eq!(here.post("/others").await.status, StatusCode::OK);
    is_over(&site, &mut lost, &mut bound).await;
    assert_eq!(here.refresh(&mut kept).await.status, StatusCode::OK);
    let layer = site.sessions.layer();
    assert_eq!(layer.revoke_all::<Login>(&7).await.unwrap(), 1);
    is_over(&site, &mut here, &mut kept).await;
}

#[tokio::test]
async fn a_sign_in_ends_the_binding_and_invites_to_another() {
    let site = site();
    let (mut client, mut bound) = signed_in(&site).await;
    assert!(
        invitation(&client.post("/login").await).is_some(),
        "a new id"
    );
    is_over(&site, &mut client, &mut bound).await;
    let mut other = site.serve(routes());
    let begun = other.post("/cart").await;
    let mut as_guest = other.bind(&Device::new(2), &begun).await;
    let invited = other.post("/login").await;
    is_over(&site, &mut other, &mut as_guest).await;
    let mut as_user = other.bind(&Device::new(2), &invited).await;
    assert_ne!(as_user.identifier, as_guest.identifier);
    pass(&site, &mut other, 20);
    assert_eq!(other.get("/vault").await.body, "vault of 7");
    assert_eq!(
        other.get("/cart").await.body,
        "tea",
        "what survives survives"
    );
    assert_eq!(other.refresh(&mut as_user).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_registration_does_not_follow_a_sign_in() {
    let site = site();
    let mut client = site.serve(routes());
    let as_guest = client.post("/cart").await;
    let as_user = client.post("/login").await;
    let reply = client.register(&Device::new(1), &as_guest).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    client.bind(&Device::new(1), &as_user).await;
}

#[tokio::test]
async fn a_timeout_ends_the_binding() {
    let site = site();
    let (mut client, mut bound) = signed_in(&site).await;
    pass(&site, &mut client, 3_600);
    is_over(&site, &mut client, &mut bound).await;
}

#[tokio::test]
async fn a_refresh_is_no_activity() {
    let hour = Lifetime::new(Duration::from_secs(3_600), Duration::from_secs(7_200));
    let site = Site::with(|layer| layer.lifetime(hour).device_bound(|device| device));
    let (mut client, mut bound) = signed_in(&site).await;
    for _ in 0..5 {
        pass(&site, &mut client, 600);
        assert_eq!(client.refresh(&mut bound).await.status, StatusCode::OK);
    }
    pass(&site, &mut client, 600);
    is_over(&site, &mut client, &mut bound).await;
}

#[tokio::test]
async fn a_key_that_retires_ends_the_binding() {
    let site = site();
    let (client, bound) = signed_in(&site).await;
    let elsewhere = Site::over(site.store.clone(), Kept::OnServer, |layer| {
        layer.device_bound(|device| device)
    });
    let mut client = client.at(&elsewhere.serve(routes()));
    let reply = client.refresh_with(&bound, None).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{reply:?}");
}

#[tokio::test]
async fn a_bound_session_keeps_its_id_where_others_are_renewed() {
    let day = Lifetime::new(Duration::from_secs(86_400), Duration::from_secs(86_400));
    let site = Site::with(|layer| {
        let layer = layer.lifetime(day).renewal(Duration::from_secs(900));
        layer.device_bound(|device| device)
    });
    let (mut client, mut bound) = signed_in(&site).await;
    let cookie = client.cookies();
    for _ in 0..4 {
        pass(&site, &mut client, 600);
        assert_eq!(client.refresh(&mut bound).await.status, StatusCode::OK);
        assert_eq!(client.get("/account").await.body, "user 7");
    }
    let session = |cookies: Option<String>| {
        let cookies = cookies.unwrap();
        cookies
            .split("; ")
            .find(|it| it.starts_with(SESSION))
            .unwrap()
            .to_owned()
    };
    assert_eq!(session(client.cookies()), session(cookie));
    let mut unbound = site.serve(routes());
    unbound.post("/login").await;
    let cookie = unbound.cookies();
    pass(&site, &mut unbound, 900);
    unbound.get("/account").await;
    assert_ne!(unbound.cookies(), cookie, "as ever");
}

/// A registration may arrive as late as the first renewal.
#[tokio::test]
async fn a_renewal_that_a_registration_overtakes_leaves_the_id_to_the_device() {
    let renewing = |layer: SessionLayerBuilder| {
        layer
            .renewal(Duration::from_secs(60))
            .device_bound(|device| device)
    };
    for (store, moves) in [
        (Spy::new(MemoryStore::new()), Operation::Rotate),
        (Spy::new(MemoryStore::new()).by_parts(), Operation::Replace),
    ] {
        let site = Site::over(store, Kept::OnServer, renewing);
        let mut client = site.serve(routes());
        let invited = client.post("/login").await;
        pass(&site, &mut client, 60);
        let gate = site.store.hold(moves, Moment::Before);
        let reading = tokio::spawn(client.ask(Method::GET, "/account"));
        gate.reached().await;
        site.store.release();
        let mut bound = client.bind(&Device::new(1), &invited).await;
        gate.open();
        client.keep(&reading.await.unwrap());
        for _ in 0..3 {
            pass(&site, &mut client, 60);
            assert_eq!(client.get("/vault").await.body, "vault of 7");
            assert_eq!(client.refresh(&mut bound).await.status, StatusCode::OK);
        }
    }
}

#[tokio::test]
async fn a_bound_session_outlives_a_change_of_the_active_key() {
    let rules = |layer: SessionLayerBuilder| layer.device_bound(|device| device);
    let old = || Key::from_bytes(std::array::from_fn(|at| (at * at) as u8)).unwrap();
    let before = site().under_with(KeyRing::new(old()), rules);
    let (client, mut bound) = signed_in(&before).await;
    let both = KeyRing::new(Key::generate().unwrap()).accept(old(), None);
    let after = before.under_with(both.unwrap(), rules);
    let mut client = client.at(&after.serve(routes()));
    for _ in 0..3 {
        pass(&after, &mut client, 590);
        assert_eq!(client.refresh(&mut bound).await.status, StatusCode::OK);
        assert_eq!(client.get("/account").await.body, "user 7");
    }
}

#[tokio::test]
async fn every_server_store_ends_it() {
    let folder = Folder::new();
    let site = on(SqliteStore::open(folder.join("sessions.db")).unwrap());
    let (mut client, mut bound) = signed_in(&site).await;
    assert_eq!(client.get("/vault").await.body, "vault of 7");
    assert_eq!(client.get("/bound").await.body, "Some(true) [true]");
    assert_eq!(client.refresh(&mut bound).await.status, StatusCode::OK);
    assert_eq!(client.post("/logout").await.status, StatusCode::OK);
    is_over(&site, &mut client, &mut bound).await;
}
