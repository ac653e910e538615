//! 3. Two tabs, one logout.

use axum::handler::Handler;
use axum::routing::get;
use http::{Method, StatusCode};
use starsessions::{Session, SessionError, Sessions, Unrevocable};
use starsessions_tests::client::Reply;
use starsessions_tests::gate::Gate;
use starsessions_tests::site::{Kept, Site};

use crate::shop::{self, Shop};

/// Logs out in one tab while this handler runs in another one; then looks at what is left.
async fn logout_during<T: 'static>(kept: Kept, slow: impl Handler<T, ()>, gate: &Gate) -> Reply {
    let site = Site::kept(kept);
    let mut tab_a = site.serve(shop::with_logout().route("/slow", get(slow)));
    tab_a.post("/login/7").await;
    let mut tab_b = tab_a.clone();
    // A touch is due, so that tab B writes whatever else it does.
    site.wait_seconds(600);

    let slow = tokio::spawn(tab_b.ask(Method::GET, "/slow"));
    gate.reached().await;
    assert_eq!(tab_a.post("/logout").await.status, StatusCode::SEE_OTHER);
    gate.open();
    let reply = slow.await.unwrap();

    tab_b.keep(&reply);
    assert_eq!(
        tab_b.get("/me").await.body,
        "guest",
        "{kept:?}: the old cookie"
    );
    assert_eq!(tab_a.get("/me").await.body, "guest", "{kept:?}");
    if kept == Kept::InMemory {
        assert_eq!(site.rows(), 0, "nothing is brought back");
    }
    reply
}

#[tokio::test]
async fn scenario_03_two_tabs_one_logout_and_the_other_changes_a_field() {
    for kept in Kept::REVOCABLY {
        let gate = Gate::new();
        let held = gate.clone();
        let slow = |mut shop: Session<Shop>| async move {
            held.pass().await;
            shop.cart.push("tea".to_owned());
            "bought"
        };
        let reply = logout_during(kept, slow, &gate).await;
        assert_eq!(
            (reply.status, reply.body.as_str()),
            (StatusCode::OK, "bought")
        );
        assert!(!reply.sets_cookie(), "{kept:?}: {:?}", reply.set_cookies());
    }
}

#[tokio::test]
async fn scenario_03_two_tabs_one_logout_and_the_other_only_keeps_the_session_alive() {
    for kept in Kept::REVOCABLY {
        let gate = Gate::new();
        let held = gate.clone();
        let slow = |shop: Session<Shop>| async move {
            held.pass().await;
            shop.cart.len().to_string()
        };
        let reply = logout_during(kept, slow, &gate).await;
        assert_eq!((reply.status, reply.body.as_str()), (StatusCode::OK, "0"));
        assert!(!reply.sets_cookie(), "{kept:?}: {:?}", reply.set_cookies());
    }
}

#[tokio::test]
async fn scenario_03_two_tabs_one_logout_and_the_other_rotates() {
    for kept in Kept::REVOCABLY {
        let gate = Gate::new();
        let held = gate.clone();
        let slow = |sessions: Sessions<Unrevocable>| async move {
            sessions.info().await?;
            held.pass().await;
            sessions.rotate()?;
            Ok::<_, SessionError>("rotated")
        };
        let reply = logout_during(kept, slow, &gate).await;
        assert_eq!(
            (reply.status, reply.body.as_str()),
            (StatusCode::OK, "rotated")
        );
        assert!(!reply.sets_cookie(), "{kept:?}: {:?}", reply.set_cookies());
    }
}
