//! G11: an id that this system did not issue is never adopted.

use axum::Router;
use base64ct::{Base64UrlUnpadded, Encoding};
use starsessions::config::CookieBuilder;
use starsessions::{Lifetime, MemoryStore, Session};
use starsessions_tests::client::Client;
use starsessions_tests::routing::get;
use starsessions_tests::site::{Kept, Site};
use starsessions_tests::spy::Spy;

use starsessions_tests::shop;

/// Ids that an attacker may make a victim send to the login page.
async fn planted() -> (Site, Client, Vec<(&'static str, String)>) {
    let site = Site::new();
    let visitor = site.serve(shop::routes());
    let mut expired = visitor.clone();
    expired.post("/views").await;
    site.wait(Lifetime::aal2().absolute);
    let mut attackers = visitor.clone();
    attackers.post("/cart/bait").await;
    let mut other_user = visitor.clone();
    other_user.post("/login/9").await;
    let mut another_site = Site::new().serve(shop::routes());
    another_site.post("/views").await;

    // Valid in everything but the secret, which the attacker has chosen.
    let own = attackers.cookies().unwrap();
    let (name, value) = own.split_once('=').unwrap();
    let mut token = Base64UrlUnpadded::decode_vec(value).unwrap();
    token[5..].fill(b'A');
    let chosen = format!("{name}={}", Base64UrlUnpadded::encode_string(&token));

    let ids = vec![
        ("chosen by an attacker", chosen),
        ("of an attacker's own session", own),
        ("of another user's session", other_user.cookies().unwrap()),
        ("expired", expired.cookies().unwrap()),
        ("of another site", another_site.cookies().unwrap()),
        ("malformed", "__Host-Http-id=0123456789".to_owned()),
        ("empty", "__Host-Http-id=".to_owned()),
    ];
    (site, visitor, ids)
}

#[tokio::test]
async fn g11_a_login_over_any_planted_id_gets_an_id_of_its_own() {
    let (_, visitor, ids) = planted().await;
    for (what, id) in ids {
        let reply = visitor.showing(&id).post("/login/7").await;
        let mut victim = visitor.clone();
        victim.keep(&reply);
        assert_ne!(victim.cookies().unwrap(), id, "an id {what}");
        assert_eq!(victim.get("/me").await.body, "7", "an id {what}");
        assert_eq!(
            visitor.showing(&id).get("/me").await.body,
            "guest",
            "an id {what}"
        );
    }
}

#[tokio::test]
async fn g11_nothing_is_stored_under_an_id_that_was_not_issued() {
    let (_, visitor, ids) = planted().await;
    let unknown = [
        "chosen by an attacker",
        "expired",
        "of another site",
        "malformed",
        "empty",
    ];
    for (what, id) in ids.into_iter().filter(|(what, _)| unknown.contains(what)) {
        visitor.showing(&id).post("/cart/tea").await;
        assert_eq!(
            visitor.showing(&id).get("/cart").await.body,
            "",
            "an id {what}"
        );
    }
}

#[tokio::test]
async fn g11_an_id_that_cannot_be_ours_costs_no_store_access() {
    let (site, visitor, ids) = planted().await;
    let impossible = ["of another site", "malformed", "empty"];
    let _ = site.store.take_calls();
    for (what, id) in ids
        .into_iter()
        .filter(|(what, _)| impossible.contains(what))
    {
        visitor.showing(&id).get("/cart").await;
        assert_eq!(site.store.take_calls().loads, 0, "an id {what}");
    }
}

mod staff {
    use starsessions::Session;

    /// The name is the same as the customers' struct, and so are the names in a record.
    #[derive(Session)]
    #[session(realm = "staff")]
    pub(super) struct Login {
        #[session(required, rotate)]
        pub(super) user: u64,
    }
}

#[tokio::test]
async fn g11_an_id_of_one_realm_is_none_in_another_with_the_same_store_and_keys() {
    for kept in Kept::ANYWHERE {
        let site = Site::kept(kept);
        // The same cookie name may exist below two paths, as two cookies.
        for name in ["__Host-staff", "__Host-Http-id"] {
            let staff = site.restarted(|layer| {
                layer
                    .realm("staff")
                    .cookie(|_| CookieBuilder::default().name(name))
            });
            let desk = get(async |login: Option<Session<staff::Login>>| {
                login.map_or("nobody".to_owned(), |login| login.user.to_string())
            });
            let desk = staff.serve(Router::new().route("/desk", desk));
            let mut customer = site.serve(shop::routes());
            customer.post("/login/1").await;
            let cookie = customer.cookies().unwrap();
            let value = cookie.split_once('=').unwrap().1;
            let mut thief = desk.showing(format!("{name}={value}"));
            assert_eq!(thief.get("/desk").await.body, "nobody", "{kept:?} {name}");
        }
    }
}

#[tokio::test]
async fn g11_an_id_of_one_audience_is_none_of_another_with_the_same_store_and_keys() {
    for kept in Kept::ANYWHERE {
        let one = Site::over(Spy::new(MemoryStore::new()), kept, |layer| {
            layer.audience("one")
        });
        let two = one.restarted(|layer| layer.audience("two"));
        let mut user = one.serve(shop::routes());
        user.post("/login/1").await;
        assert_eq!(user.get("/me").await.body, "1", "{kept:?}");
        let mut thief = user.at(&two.serve(shop::routes()));
        assert_eq!(thief.get("/me").await.body, "guest", "{kept:?}");
    }
}
