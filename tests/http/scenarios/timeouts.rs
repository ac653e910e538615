//! 9. Idle and absolute.

use std::time::Duration;

use axum::extract::Path;
use starsessions::config::{Clock, CookieBuilder};
use starsessions::{
    CurrentSession, Lifetime, MemoryStore, PassiveLayer, Session, SessionError, SessionLayerBuilder,
};
use starsessions_tests::routing::{get, post};
use starsessions_tests::site::{Kept, Site};
use starsessions_tests::spy::Spy;

use starsessions_tests::shop::{self, Login};

const IDLE: Duration = Duration::from_secs(30 * 60);
const ABSOLUTE: Duration = Duration::from_secs(2 * 3_600);
const FIVE_MINUTES: Duration = Duration::from_secs(300);

fn site(kept: Kept, set: impl FnOnce(SessionLayerBuilder) -> SessionLayerBuilder) -> Site {
    Site::over(Spy::new(MemoryStore::new()), kept, |layer| {
        set(layer.lifetime(Lifetime::new(IDLE, ABSOLUTE)))
    })
}

#[tokio::test]
async fn scenario_09_who_reads_every_five_minutes_stays_in_for_two_hours_and_no_longer() {
    for kept in Kept::ANYWHERE {
        let site = site(kept, |layer| layer);
        let mut client = site.serve(shop::routes());
        client.post("/login/7").await;
        let mut in_for = Duration::ZERO;
        while in_for < ABSOLUTE {
            assert_eq!(
                client.get("/me").await.body,
                "7",
                "{kept:?} after {in_for:?}"
            );
            site.wait(FIVE_MINUTES);
            in_for += FIVE_MINUTES;
        }
        assert_eq!(client.get("/me").await.body, "guest", "{kept:?}");
    }
}

#[tokio::test]
async fn scenario_09_a_polling_route_marked_passive_does_not_keep_anybody_in() {
    for kept in Kept::ANYWHERE {
        let site = site(kept, |layer| layer);
        let poll = get(async |login: Option<Session<Login>>| {
            login.map_or("guest".to_owned(), |login| login.user.to_string())
        });
        let mut client = site.serve(shop::routes().route("/poll", poll.layer(PassiveLayer)));
        client.post("/login/7").await;
        for _ in 0..6 {
            assert_eq!(client.get("/poll").await.body, "7", "{kept:?}");
            site.wait(FIVE_MINUTES);
        }
        assert_eq!(client.get("/poll").await.body, "guest", "{kept:?}");
    }
}

#[tokio::test]
async fn scenario_09_who_is_remembered_lives_by_the_long_profile() {
    let day = Duration::from_secs(24 * 3_600);
    for kept in Kept::ANYWHERE {
        let site = site(kept, |layer| {
            layer.remembered_lifetime(Lifetime::new(7 * day, 30 * day))
        });
        let mut client = site.serve(shop::routes().route("/remember/{user}", post(remember)));
        client.post("/remember/7").await;
        for _ in 0..5 {
            site.wait(6 * day - Duration::from_secs(1));
            assert_eq!(client.get("/me").await.body, "7", "{kept:?}");
        }
        site.wait(Duration::from_secs(5));
        assert_eq!(
            client.get("/me").await.body,
            "guest",
            "{kept:?}: the long absolute timeout"
        );
    }
}

async fn remember(session: CurrentSession, Path(user): Path<u64>) -> Result<(), SessionError> {
    session.remember(true)?;
    session.insert(Login { user })
}

#[tokio::test]
async fn scenario_09_the_cookie_ends_within_a_second_of_what_is_stored() {
    for kept in Kept::ANYWHERE {
        let site = site(kept, |layer| {
            layer.cookie(|_| CookieBuilder::default().persistent(true))
        });
        let mut client = site.serve(shop::routes().route("/expiry", get(expiry)));
        let login = client.post("/login/7").await;
        assert_eq!(login.max_age(), Some(IDLE.as_secs()), "{kept:?}");

        for _ in 0..18 {
            site.wait(FIVE_MINUTES);
            let told = client
                .get("/cart")
                .await
                .max_age()
                .expect("the end has moved");
            let stored: u64 = client.get("/expiry").await.body.parse().unwrap();
            let told = site.clock().now().as_unix_seconds() + told;
            assert!(told.abs_diff(stored) <= 1, "{kept:?}: {told} and {stored}");
        }
    }
}

/// The stored second in which the session expires.
async fn expiry(session: CurrentSession) -> Result<String, SessionError> {
    let info = session.info().await?;
    Ok(info.map_or_else(String::new, |info| {
        info.expires_at.as_unix_seconds().to_string()
    }))
}
