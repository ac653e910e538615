//! What the log reports about devices.

use starsessions::config::Unbound;
use starsessions_tests::device::Device;
use starsessions_tests::logs::Logs;

use super::*;

fn explained(reply: &Reply) -> String {
    reply.all("x-session-explain").join("; ")
}

#[tokio::test]
async fn the_header_says_what_became_of_an_errand_and_why_a_proof_is_missing() {
    let site = Site::with(|layer| layer.explain(true).device_bound(|device| device));
    let mut client = site.serve(routes());
    let invited = client.post("/login").await;
    let reply = client.register(&Device::new(1), &invited).await;
    assert_eq!(explained(&reply), "bound to a device");
    let reply = client.register(&Device::new(1), &invited).await;
    assert_eq!(explained(&reply), "ended");
    let reply = client.post("/dbsc/refresh").await;
    assert_eq!(explained(&reply), "malformed");

    pass(&site, &mut client, 10);
    let absent = thief(&client, SESSION).get("/account").await;
    assert!(
        explained(&absent).contains("has no cookie of it"),
        "{absent:?}"
    );
    let mut other = site.serve(routes());
    let invited = other.post("/login").await;
    other.bind(&Device::new(2), &invited).await;
    pass(&site, &mut other, 11);
    let logout = thief(&other, SESSION).post("/logout").await;
    assert!(
        explained(&logout).ends_with("; ended; cookie removed"),
        "{logout:?}"
    );
    site.wait_seconds(600);
    let stale = client.get("/account").await;
    assert!(explained(&stale).contains("has run out"), "{stale:?}");
    let made_up = client.showing(format!("{}; __Host-bound=made-up", thief_cookie(&client)));
    let foreign = made_up.clone().get("/account").await;
    assert!(explained(&foreign).contains("made up"), "{foreign:?}");
}

fn thief_cookie(client: &Client) -> String {
    let cookies = client.cookies().unwrap();
    cookies
        .split("; ")
        .find(|it| it.starts_with(SESSION))
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn the_log_names_sessions_by_fingerprints_and_holds_no_secret() {
    let logs = Logs::capture();
    let site = site();
    let (mut client, mut bound) = signed_in(&site).await;
    client.refresh(&mut bound).await;
    thief(&client, SESSION).get("/account").await;
    client.post("/dbsc/refresh").await;
    for event in [
        "session bound to a device",
        "session proved by its device",
        "session of a device without its proof",
    ] {
        assert_eq!(
            logs.with(&[event, "session="]).len(),
            1,
            "{event}: {}",
            logs.text()
        );
    }
    assert_eq!(
        logs.with(&["refresh by a device refused", "malformed"])
            .len(),
        1
    );
    let text = logs.text();
    let cookies = client.cookies().unwrap();
    let cookies = cookies.split("; ").filter_map(|it| it.split_once('='));
    let secrets = cookies.map(|(_, value)| value.to_owned());
    for secret in secrets.chain([bound.identifier, bound.challenge.unwrap()]) {
        assert!(!text.contains(&secret), "{secret}");
    }
}

/// A requirement that no session can meet protects nothing.
#[tokio::test]
async fn a_bound_struct_under_a_layer_that_binds_nothing_is_said_once() {
    let logs = Logs::capture();
    let mut client = Site::new().serve(routes());
    client.post("/login").await;
    for _ in 0..2 {
        client.get("/vault").await;
    }
    let told = logs.with(&["ERROR", "`bound`", "device_bound"]);
    assert_eq!(told.len(), 1, "{told:?}");
}

#[tokio::test]
async fn a_session_without_room_for_its_device_is_an_error_once() {
    let site = Site::with(|layer| {
        let layer = layer.field_limit(20).record_limit(20);
        layer.device_bound(|device| device)
    });
    let mut client = site.serve(routes());
    let invited = client.post("/login").await;
    let logs = Logs::capture();
    for level in ["ERROR", "DEBUG"] {
        let reply = client.register(&Device::new(1), &invited).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        let lines = logs.with(&[level, "no room for its device"]);
        assert_eq!(lines.len(), 1, "{level}: {}", logs.text());
    }
}

#[tokio::test]
async fn the_log_names_the_view_that_a_session_without_a_device_does_not_get() {
    let site = with(|device| device.unbound(Unbound::Refused));
    let mut client = site.serve(routes());
    client.post("/login").await;
    pass(&site, &mut client, 60);
    let logs = Logs::capture();
    assert_eq!(client.get("/vault").await.status, StatusCode::FORBIDDEN);
    let refused = ["DEBUG", "session without a device refused", "Vault"];
    assert_eq!(logs.with(&refused).len(), 1, "{}", logs.text());
}
