//! 3. Two tabs, one logout.

use crate::client::Reply;
use crate::gate::Gate;
use crate::routing::get;
use crate::site::Site;
use axum::handler::Handler;
use http::{Method, StatusCode};
use starsessions::store::Store;
use starsessions::{CurrentSession, Session, SessionError};

use crate::shop::{self, Shop};

/// Logs out in one tab while this handler runs in another tab, then checks that both are guests.
async fn logout_during<S: Store + Clone, T: 'static>(
    site: &Site<S>,
    slow: impl Handler<T, ()>,
    gate: &Gate,
) -> Reply {
    let mut tab_a = site.serve(shop::with_logout().route("/slow", get(slow)));
    tab_a.post("/login/7").await;
    let mut tab_b = tab_a.clone();
    // A touch is due, so tab B writes in any case.
    site.wait_seconds(600);

    let slow = tokio::spawn(tab_b.ask(Method::GET, "/slow"));
    gate.reached().await;
    assert_eq!(tab_a.post("/logout").await.status, StatusCode::SEE_OTHER);
    gate.open();
    let reply = slow.await.unwrap();

    tab_b.keep(&reply);
    assert_eq!(tab_b.get("/me").await.body, "guest", "the old cookie");
    assert_eq!(tab_a.get("/me").await.body, "guest");
    reply
}

/// The other tab changes a field. Its response is the normal one, and the session stays ended.
///
/// # Panics
/// If the session survives.
pub async fn a_logout_beside_a_change<S: Store + Clone>(site: &Site<S>) {
    let gate = Gate::new();
    let held = gate.clone();
    let slow = |mut shop: Session<Shop>| async move {
        held.pass().await;
        shop.cart.push("tea".to_owned());
        "bought"
    };
    assert_unchanged(&logout_during(site, slow, &gate).await, "bought");
}

/// The other tab only keeps the session alive.
///
/// # Panics
/// If the session survives.
pub async fn a_logout_beside_a_reader<S: Store + Clone>(site: &Site<S>) {
    let gate = Gate::new();
    let held = gate.clone();
    let slow = |shop: Session<Shop>| async move {
        held.pass().await;
        shop.cart.len().to_string()
    };
    assert_unchanged(&logout_during(site, slow, &gate).await, "0");
}

/// The other tab rotates the session's ID.
///
/// # Panics
/// If the session survives.
pub async fn a_logout_beside_a_rotation<S: Store + Clone>(site: &Site<S>) {
    let gate = Gate::new();
    let held = gate.clone();
    let slow = |session: CurrentSession| async move {
        session.info().await?;
        held.pass().await;
        session.rotate()?;
        Ok::<_, SessionError>("rotated")
    };
    assert_unchanged(&logout_during(site, slow, &gate).await, "rotated");
}

fn assert_unchanged(reply: &Reply, body: &str) {
    assert_eq!((reply.status, reply.body.as_str()), (StatusCode::OK, body));
    assert!(!reply.sets_cookie(), "{:?}", reply.set_cookies());
}
