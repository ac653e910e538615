//! 27. A session that is bound to its browser's device.

use http::StatusCode;
use starsessions::store::Store;

use crate::client::Client;
use crate::device::{Bound, Device, challenge};
use crate::shop;
use crate::site::Site;

/// Signs in, registers the device, and waits for the end of the grace period for requests that were under way.
async fn signed_in<S: Store + Clone>(site: &Site<S>) -> (Client, Bound) {
    let mut client = site.serve(shop::with_logout());
    let invited = client.post("/login/7").await;
    let bound = client.bind(&Device::new(1), &invited).await;
    site.wait_seconds(10);
    (client, bound)
}

/// A copy of the cookie is refused, also after refreshes and changes, and the device stays signed in.
///
/// # Panics
/// If the copy is accepted, or the device is refused.
pub async fn a_copied_cookie_is_worth_nothing<S: Store + Clone>(site: &Site<S>) {
    let site = site.restarted(|layer| layer.device_bound(|device| device));
    let (mut client, mut bound) = signed_in(&site).await;
    for item in ["milk", "tea", "bread"] {
        let cookies = client.cookies().expect("cookies");
        let session = cookies.split("; ").find(|it| it.contains("-id="));
        let mut thief = client.showing(session.expect("the session's"));
        assert_eq!(thief.get("/me").await.status, StatusCode::FORBIDDEN);
        let stolen = thief.post("/cart/gold").await;
        assert_eq!(stolen.status, StatusCode::FORBIDDEN);

        assert_eq!(client.post(&format!("/cart/{item}")).await.status, 200);
        site.wait_seconds(590);
        let proof = bound.device.proof(bound.challenge.as_ref().expect("one"));
        assert_eq!(client.refresh(&mut bound).await.status, StatusCode::OK);
        let replayed = client.refresh_with(&bound, Some(&proof)).await;
        assert_eq!(replayed.status, StatusCode::FORBIDDEN);
        assert!(!replayed.sets_cookie(), "a proof counts once");
        assert_eq!(client.get("/me").await.body, "7");
    }
    assert_eq!(client.get("/cart").await.body, "milk,tea,bread");
}

/// The binding ends with the session, and with each new ID.
///
/// # Panics
/// If a device gets a cookie for a binding that has ended.
pub async fn a_binding_ends_with_its_session<S: Store + Clone>(site: &Site<S>) {
    let site = site.restarted(|layer| layer.device_bound(|device| device));
    for end in ["/logout", "/login/8"] {
        let (mut client, mut bound) = signed_in(&site).await;
        client.post(end).await;
        site.wait_seconds(1);
        let asked = client.refresh_with(&bound, None).await;
        bound.challenge = challenge(&asked, &bound.identifier);
        let refused = client.refresh(&mut bound).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST, "{end}");
        assert!(!refused.sets_cookie(), "{end}");
    }
}

/// Of two devices that register at once, one is accepted. So is one of two requests with the same proof.
///
/// # Panics
/// If both are accepted, or none.
pub async fn one_device_and_each_proof_once<S: Store + Clone>(site: &Site<S>) {
    let site = site.restarted(|layer| layer.device_bound(|device| device));
    for _ in 0..10 {
        let mut client = site.serve(shop::with_logout());
        let invited = client.post("/login/7").await;
        let (mut here, mut there) = (client.clone(), client.clone());
        let devices = [Device::new(1), Device::new(2)];
        let (one, two) = tokio::join!(
            here.register(&devices[0], &invited),
            there.register(&devices[1], &invited)
        );
        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400]);

        let (mut client, bound) = signed_in(&site).await;
        let proof = bound.device.proof(bound.challenge.as_ref().expect("one"));
        let mut again = client.clone();
        let (one, two) = tokio::join!(
            client.refresh_with(&bound, Some(&proof)),
            again.refresh_with(&bound, Some(&proof))
        );
        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 403]);
    }
}
