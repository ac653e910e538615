//! 9, 15. Step-up, and staying signed in.

use axum::Router;
use axum::extract::Path;
use http::StatusCode;
use starsessions::{CurrentSession, Lifetime, PassiveLayer, Session, SessionError};
use starsessions_tests::client::Client;
use starsessions_tests::routing::{get, post};
use starsessions_tests::shop::{self, Login};
use starsessions_tests::site::{Kept, Site};

#[derive(Session)]
#[session(reject = "/confirm")]
struct Sudo {
    #[session(required, rotate, until = rotate, expires = "5m")]
    factor: u8,
}

async fn delete(login: Session<Login>, sudo: Session<Sudo>) -> String {
    format!("{} by {}", login.user, sudo.factor)
}

async fn confirm(_: Session<Login>, all: CurrentSession) -> Result<(), SessionError> {
    all.insert(Sudo { factor: 2 })
}

async fn drop_it(all: CurrentSession) -> Result<(), SessionError> {
    all.remove::<Sudo>()
}

async fn draft(mut shop: Session<shop::Shop>, Path(item): Path<String>) {
    shop.cart.push(item);
}

async fn left(all: CurrentSession) -> Result<String, SessionError> {
    Ok(all.info().await?.map_or("none".to_owned(), |info| {
        info.expires_at.as_unix_seconds().to_string()
    }))
}

async fn stay(all: CurrentSession) -> Result<(), SessionError> {
    all.info().await.map(|_| ())
}

fn routes() -> Router {
    shop::routes()
        .route("/delete", get(delete))
        .route("/confirm", post(confirm).delete(drop_it))
        .route("/draft/{item}", post(draft))
        .route("/left", get(left).layer(PassiveLayer))
        .route("/stay", post(stay))
}

async fn where_to(client: &mut Client) -> String {
    let reply = client.get("/delete").await;
    reply.location().map_or(reply.body.clone(), str::to_owned)
}

#[tokio::test]
async fn scenario_15_a_proof_ends_by_its_time_with_its_user_and_when_it_is_dropped() {
    for kept in Kept::ANYWHERE {
        let site = Site::kept(kept);
        let mut client = site.serve(routes());
        assert_eq!(where_to(&mut client).await, "/login", "{kept:?}");
        client.post("/login/7").await;
        assert_eq!(where_to(&mut client).await, "/confirm", "{kept:?}");

        let before = client.clone();
        client.post("/confirm").await;
        assert_ne!(client.cookies(), before.cookies(), "a new id: {kept:?}");
        assert_eq!(where_to(&mut client).await, "7 by 2", "{kept:?}");
        // The proof expires on its own, however busy the session is.
        for _ in 0..4 {
            site.wait_seconds(60);
            client.post("/draft/x").await;
        }
        assert_eq!(where_to(&mut client).await, "7 by 2", "{kept:?}");
        site.wait_seconds(60);
        assert_eq!(where_to(&mut client).await, "/confirm", "{kept:?}");
        assert_eq!(client.get("/me").await.body, "7", "{kept:?}");

        client.post("/confirm").await;
        client.post("/login/8").await;
        assert_eq!(where_to(&mut client).await, "/confirm", "{kept:?}");
        client.post("/confirm").await;
        site.wait_seconds(200);
        client.post("/confirm").await;
        site.wait_seconds(200);
        assert_eq!(
            where_to(&mut client).await,
            "8 by 2",
            "proved again: {kept:?}"
        );

        client.send(http::Method::DELETE, "/confirm").await;
        assert_eq!(where_to(&mut client).await, "/confirm", "{kept:?}");
        assert_eq!(client.get("/me").await.body, "8", "{kept:?}");
    }
}

/// The cookie from before the proof is no longer accepted.
#[tokio::test]
async fn scenario_15_a_stolen_cookie_does_not_rise_with_its_user() {
    for kept in Kept::REVOCABLY {
        let site = Site::kept(kept);
        let mut client = site.serve(routes());
        client.post("/login/7").await;
        let mut thief = client.clone();
        client.post("/confirm").await;
        assert_eq!(where_to(&mut thief).await, "/login", "{kept:?}");
    }
}

#[tokio::test]
async fn scenario_09_who_asks_how_long_it_is_does_not_make_it_longer_and_who_stays_does() {
    for kept in Kept::ANYWHERE {
        let site = Site::kept(kept);
        let mut client = site.serve(routes());
        client.post("/login/7").await;
        let end: u64 = client.get("/left").await.body.parse().unwrap();
        for _ in 0..5 {
            site.wait_seconds(600);
            let reply = client.get("/left").await;
            assert_eq!(reply.body, end.to_string(), "{kept:?}");
            assert!(!reply.sets_cookie(), "{kept:?}");
        }
        assert_eq!(client.post("/stay").await.status, StatusCode::OK);
        let longer: u64 = client.get("/left").await.body.parse().unwrap();
        assert_eq!(longer - end, 3_000, "{kept:?}");
        for _ in 0..30 {
            site.wait_seconds(3_000);
            client.post("/stay").await;
        }
        assert_eq!(client.get("/me").await.body, "guest", "a day is the most");
        assert_eq!(client.get("/left").await.body, "none");
    }
}

#[tokio::test]
async fn scenario_09_a_remembered_sign_in_keeps_its_long_life_over_a_proof() {
    let site = Site::with(|layer| layer.remembered_lifetime(Lifetime::aal1()));
    let remember = async |all: CurrentSession| all.remember(true);
    let mut client = site.serve(routes().route("/remember", post(remember)));
    client.post("/login/7").await;
    let reply = client.post("/remember").await;
    assert_eq!(reply.max_age(), Some(30 * 86_400));
    let reply = client.post("/confirm").await;
    assert_eq!(
        reply.max_age(),
        Some(30 * 86_400),
        "the new id has the same"
    );
    site.wait_seconds(20 * 86_400);
    assert_eq!(client.get("/me").await.body, "7");
    assert_eq!(where_to(&mut client).await, "/confirm", "but not the proof");
}
