//! G5: a logout ends the session, even if a concurrent sign-in gives the session a new id meanwhile.

use http::Method;
use starsessions::{CurrentSession, Session};
use starsessions_tests::gate::Gate;
use starsessions_tests::routing::post;
use starsessions_tests::shop::{self, Login, Shop};
use starsessions_tests::site::{Kept, Site};
use starsessions_tests::spy::{Moment, Operation};

#[tokio::test]
async fn g05_a_logout_that_is_overtaken_by_a_new_id_ends_the_session_under_it() {
    for path in ["/login/8", "/rotate"] {
        for renewals in 1..3 {
            let site = Site::new();
            let rotate = post(async |session: CurrentSession| session.rotate());
            let routes = shop::with_logout().route("/rotate", rotate);
            let mut tab_a = site.serve(routes);
            tab_a.post("/login/7").await;
            let mut tab_b = tab_a.clone();

            let leaving = site.store.hold(Operation::Remove, Moment::Before);
            let logout = tokio::spawn(tab_a.ask(Method::POST, "/logout"));
            leaving.reached().await;
            for _ in 0..renewals {
                tab_b.post(path).await;
            }
            assert_ne!(tab_b.cookies(), tab_a.cookies(), "{path}");
            site.store.release();
            leaving.open();
            tab_a.keep(&logout.await.unwrap());

            assert_eq!(tab_b.get("/me").await.body, "guest", "{path}");
            assert_eq!(tab_a.get("/me").await.body, "guest", "{path}");
            assert_eq!(site.rows(), 0, "{path}: nothing is left");
        }
    }
}

/// The former id leads to its successor only for a logout: any other request with that id is a guest.
#[tokio::test]
async fn g05_a_former_id_leads_nowhere_but_to_the_end() {
    let site = Site::new();
    let mut user = site.serve(shop::with_logout());
    user.post("/cart/tea").await;
    let mut former = user.clone();
    user.post("/login/7").await;
    assert_eq!(former.get("/me").await.body, "guest");
    former.post("/forget").await;
    assert_eq!(user.get("/me").await.body, "guest");
    assert_eq!(site.rows(), 0);
}

/// If two requests end the same id, only one succeeds; the other one must not begin a session.
#[tokio::test]
async fn g05_a_sign_in_that_is_overtaken_signs_nobody_in() {
    for (kept, ending) in [
        (Kept::OnServer, Operation::Rotate),
        (Kept::InCookies, Operation::Insert),
    ] {
        for (path, left) in [("/logout", "guest"), ("/login/9", "9")] {
            let site = Site::kept(kept);
            let mut tab_a = site.serve(shop::with_logout());
            tab_a.post("/login/7").await;
            let mut tab_b = tab_a.clone();

            let gate = site.store.hold(ending, Moment::Before);
            let late = tokio::spawn(tab_a.ask(Method::POST, "/login/8"));
            gate.reached().await;
            site.store.release();
            tab_b.post(path).await;
            gate.open();
            let reply = late.await.unwrap();
            tab_a.keep(&reply);

            assert!(!reply.sets_cookie(), "{kept:?} {path}");
            assert_eq!(tab_a.get("/me").await.body, "guest", "{kept:?} {path}");
            assert_eq!(tab_b.get("/me").await.body, left, "{kept:?} {path}");
        }
    }
}

/// A concurrent logout does not prevent a request from ending the session and signing in as another user.
#[tokio::test]
async fn g05_what_was_to_begin_after_an_end_begins_also_when_that_end_was_overtaken() {
    for kept in Kept::REVOCABLY {
        let site = Site::kept(kept);
        let gate = Gate::new();
        let held = gate.clone();
        let slow = post(|shop: Session<Shop>, session: CurrentSession| async move {
            held.pass().await;
            drop(shop);
            session.destroy()?;
            session.insert(Login { user: 8 })
        });
        let mut tab = site.serve(shop::with_logout().route("/slow", slow));
        tab.post("/login/7").await;
        let slow = tokio::spawn(tab.ask(Method::POST, "/slow"));
        gate.reached().await;
        tab.post("/logout").await;
        gate.open();
        let reply = slow.await.unwrap();
        assert!(reply.sets_cookie(), "{kept:?}");
        tab.keep(&reply);
        assert_eq!(tab.get("/me").await.body, "8", "{kept:?}");
    }
}
