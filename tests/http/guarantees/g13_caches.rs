//! G13: what shared caches are told.

use axum::Router;
use axum::routing::any;
use http::header::{CACHE_CONTROL, VARY};
use http::{HeaderMap, HeaderValue};
use starsessions::{CurrentSession, Session};
use starsessions_tests::client::Reply;
use starsessions_tests::site::Site;

use starsessions_tests::shop::{Login, Shop};

#[derive(Clone, Copy, Debug)]
enum Use {
    /// Read, without a session.
    Read,
    /// Ask whether there is one.
    Contains,
    /// Ask for times.
    Info,
    /// Begin one.
    Write,
}

async fn answer(how: Use, headers: &[(&'static str, &'static str)]) -> Reply {
    let mut kept = HeaderMap::new();
    for (name, value) in headers {
        kept.append(*name, HeaderValue::from_static(value));
    }
    let act = async move |session: CurrentSession| {
        match how {
            Use::Read => drop(session.view::<Shop>().await.unwrap()),
            Use::Contains => assert!(session.get::<Login>().await.unwrap().is_none()),
            Use::Info => assert!(session.info().await.unwrap().is_none()),
            Use::Write => session.insert(Login { user: 7 }).unwrap(),
        }
        (kept, "page")
    };
    Site::new()
        .serve(Router::new().route("/", any(act)))
        .get("/")
        .await
}

#[tokio::test]
async fn g13_every_use_varies_by_cookie_and_keeps_what_the_handler_said() {
    for how in [Use::Read, Use::Contains, Use::Info, Use::Write] {
        for (said, expected) in [
            (vec![], vec!["Cookie"]),
            (vec!["Accept"], vec!["Accept", "Cookie"]),
            (vec!["Accept, Origin"], vec!["Accept, Origin", "Cookie"]),
            (vec!["Accept", "Origin"], vec!["Accept", "Origin", "Cookie"]),
            (vec!["*"], vec!["*"]),
            (vec!["Accept, *"], vec!["Accept, *"]),
            (vec!["cookie"], vec!["cookie"]),
            (vec!["Accept, COOKIE"], vec!["Accept, COOKIE"]),
            (vec!["Cookies"], vec!["Cookies", "Cookie"]),
        ] {
            let headers: Vec<_> = said.iter().map(|value| ("vary", *value)).collect();
            let reply = answer(how, &headers).await;
            assert_eq!(reply.all(VARY.as_str()), expected, "{how:?} {said:?}");
        }
    }
}

#[tokio::test]
async fn g13_a_response_that_sets_a_cookie_may_not_be_stored() {
    for (said, expected) in [
        (vec![], vec!["private, no-store"]),
        (vec!["public"], vec!["private, no-store"]),
        (vec!["max-age=60"], vec!["private, no-store"]),
        (vec!["no-cache"], vec!["private, no-store"]),
        (
            vec!["public, max-age=60", "must-revalidate"],
            vec!["private, no-store"],
        ),
        (vec!["no-store"], vec!["no-store"]),
        (vec!["No-Store, max-age=0"], vec!["No-Store, max-age=0"]),
        (vec!["max-age=0", "no-store"], vec!["max-age=0", "no-store"]),
        (vec!["x=no-store-please"], vec!["private, no-store"]),
    ] {
        let headers: Vec<_> = said.iter().map(|value| ("cache-control", *value)).collect();
        let reply = answer(Use::Write, &headers).await;
        assert!(reply.sets_cookie());
        assert_eq!(reply.all(CACHE_CONTROL.as_str()), expected, "{said:?}");
    }
}

#[tokio::test]
async fn g13_a_response_that_sets_no_cookie_keeps_its_cache_control() {
    for how in [Use::Read, Use::Contains, Use::Info] {
        for said in [vec![], vec!["public, max-age=60"], vec!["no-store"]] {
            let headers: Vec<_> = said.iter().map(|value| ("cache-control", *value)).collect();
            let reply = answer(how, &headers).await;
            assert_eq!(reply.all(CACHE_CONTROL.as_str()), said, "{how:?}");
        }
    }
}

#[tokio::test]
async fn g13_a_removal_may_not_be_stored_either() {
    let mut client = Site::new().serve(starsessions_tests::shop::with_logout());
    client.post("/login/7").await;
    let reply = client.post("/logout").await;
    assert_eq!(
        reply.set_cookies(),
        ["__Host-Http-id=; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=0"]
    );
    assert_eq!(reply.all("cache-control"), ["private, no-store"]);
    assert_eq!(reply.all("vary"), ["Cookie"]);
}

#[tokio::test]
async fn g13_a_request_that_is_turned_away_has_used_its_session() {
    let required = any(async |_: Session<Login>| ());
    let reply = Site::new()
        .serve(Router::new().route("/", required))
        .get("/")
        .await;
    assert_eq!(reply.location(), Some("/login"));
    assert_eq!(reply.all("vary"), ["Cookie"]);
}
