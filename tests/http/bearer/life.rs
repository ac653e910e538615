//! The life of a token, from sign-in to logout.

use std::time::Duration;

use axum::Router;
use http::{Method, StatusCode};
use starsessions::config::Transport;
use starsessions::keys::Key;
use starsessions::{CurrentSession, KeyRing, MemoryStore, Session, SessionError};
use starsessions_tests::client::App;
use starsessions_tests::gate::Gate;
use starsessions_tests::routing::post;
use starsessions_tests::shop::{Login, Shop};
use starsessions_tests::site::{Kept, Site};
use starsessions_tests::spy::Spy;

use super::{alone, app, beside, routes, served, signed_in};

#[tokio::test]
async fn a_token_is_the_session_and_no_cookie_is_read_or_set() {
    let site = alone();
    let app = signed_in(&site).await;
    let token = app.token.clone().unwrap();
    assert_eq!(token.len(), 50);
    app.post("/cart/tea").await;
    assert_eq!(app.get("/cart").await.body, "tea");
    assert_eq!(site.rows(), 1);

    let browser = site.serve(routes());
    let browser = browser.showing(format!("__Host-Http-id={token}"));
    let me = browser.ask(Method::GET, "/me").await;
    assert_eq!(me.body, "guest");
}

#[tokio::test]
async fn a_response_with_a_token_or_by_one_is_not_for_shared_caches() {
    let site = alone();
    let page = |_: Session<Shop>| async { [("cache-control", "public, max-age=60")] };
    let routes = routes().route("/page", axum::routing::get(page));
    let app = signed_in(&site)
        .await
        .at(&routes.layer(site.sessions.layer()));
    let page = app.get("/page").await;
    assert_eq!(page.all("cache-control"), ["private, max-age=60"]);
    assert_eq!(page.all("vary"), ["authorization"]);
    let mut guest = app;
    guest.token = None;
    assert_eq!(guest.get("/cart").await.all("vary"), ["authorization"]);
    assert!(guest.get("/").await.headers.get("vary").is_none());
}

#[tokio::test]
async fn signing_in_gives_a_new_token_and_the_planted_one_is_dead() {
    let site = alone();
    let begin = |session: CurrentSession| async move {
        session.insert(Shop {
            cart: vec!["bait".to_owned()],
            ..Shop::default()
        })?;
        Ok::<_, SessionError>(session.bearer_token().await?.as_str().to_owned())
    };
    let routes = routes().route("/begin", post(begin));
    let mut app = App::new(&routes.layer(site.sessions.layer()));
    let planted = app.take("/begin").await.to_owned();
    let token = app.take("/token/7").await.to_owned();
    assert_ne!(token, planted);
    assert_eq!(app.get("/cart").await.body, "bait");
    assert_eq!(app.get("/me").await.body, "7");
    assert_eq!(app.showing(&planted).get("/me").await.body, "guest");

    // A token under which nothing is stored is not adopted either.
    let foreign = signed_in(&alone()).await.token.unwrap();
    let mut victim = app.showing(&foreign);
    assert_ne!(victim.take("/token/8").await, foreign);
}

#[tokio::test]
async fn what_its_client_would_not_learn_of_is_not_begun() {
    for site in [alone(), beside()] {
        let dead = signed_in(&site).await;
        dead.post("/logout").await;
        assert_eq!(site.rows(), 0);
        let reply = dead.post("/cart/tea").await;
        assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(site.rows(), 0);
    }
    let reply = app(&alone()).post("/cart/tea").await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn a_new_id_that_is_not_handed_out_changes_nothing() {
    let site = alone();
    let app = signed_in(&site).await;
    for path in ["/login/8", "/rotate"] {
        let reply = app.post(path).await;
        assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
        assert_eq!(app.get("/me").await.body, "7", "{path}");
    }
    // If the handler refuses, its own answer is sent. A commit in the middle of a handler fails as well.
    let refuse = |session: CurrentSession| async move {
        session.rotate()?;
        Ok::<_, SessionError>((StatusCode::BAD_GATEWAY, "no answer"))
    };
    let commit = |session: CurrentSession| async move {
        session.insert(Login { user: 9 })?;
        Ok::<_, SessionError>(session.commit().await.unwrap_err().to_string())
    };
    let routes = routes()
        .route("/refuse", post(refuse))
        .route("/commit", post(commit));
    let app = app.at(&routes.layer(site.sessions.layer()));
    let reply = app.post("/refuse").await;
    assert_eq!((reply.status.as_u16(), &*reply.body), (502, "no answer"));
    let said = app.post("/commit").await.body;
    assert!(said.contains("call `bearer_token().await`"), "{said}");
    assert_eq!(app.get("/me").await.body, "7");
}

#[tokio::test]
async fn a_logout_takes_place_whatever_is_begun_in_its_stead() {
    let site = alone();
    let swap = |session: CurrentSession| async move {
        session.destroy()?;
        session.insert(Login { user: 8 })
    };
    let refuse = |session: CurrentSession| async move {
        session.destroy()?;
        session.insert(Login { user: 8 })?;
        let said = session.commit().await.unwrap_err().to_string();
        Ok::<_, SessionError>((StatusCode::UNAUTHORIZED, said))
    };
    let swap_out = |session: CurrentSession| async move {
        session.destroy()?;
        session.insert(Login { user: 8 })?;
        Ok::<_, SessionError>(session.bearer_token().await?.as_str().to_owned())
    };
    let routes = routes()
        .route("/swap", post(swap))
        .route("/refuse", post(refuse))
        .route("/swap-out", post(swap_out));
    let served = routes.layer(site.sessions.layer());
    let app = signed_in(&site).await.at(&served);
    let reply = app.post("/swap").await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(app.get("/me").await.body, "guest");
    assert_eq!(site.rows(), 0);

    // A commit in the middle of a handler reports it, and the handler's own answer is sent.
    let app = signed_in(&site).await.at(&served);
    let reply = app.post("/refuse").await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    let said = reply.body;
    assert!(said.contains("call `bearer_token().await`"), "{said}");
    assert_eq!(site.rows(), 0);

    let mut app = signed_in(&site).await.at(&served);
    let old = app.clone();
    app.take("/swap-out").await;
    assert_eq!(app.get("/me").await.body, "8");
    assert_eq!(old.get("/me").await.body, "guest");
    // The former token ends the session as well.
    let reply = old.post("/swap").await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(app.get("/me").await.body, "guest");
}

#[tokio::test]
async fn an_id_is_renewed_where_its_token_is_handed_out_and_nowhere_else() {
    let site = Site::with(|layer| layer.transport(Transport::bearer()).renewal(RENEWAL));
    let mut app = signed_in(&site).await;
    let old = app.clone();
    let first = app.token.clone().unwrap();
    assert_eq!(app.take("/token").await, first);
    site.wait(RENEWAL);
    app.post("/cart/tea").await;
    assert_eq!(site.rows(), 1);
    assert_eq!(app.get("/me").await.body, "7");

    let second = app.take("/token").await.to_owned();
    assert_ne!(second, first);
    // The response was lost: the client asks again.
    assert_eq!(old.clone().take("/token").await, second);
    assert_eq!(old.get("/me").await.body, "7");
    site.wait_seconds(31);
    assert_eq!(old.get("/me").await.body, "guest");
    assert_eq!(app.get("/me").await.body, "7");
    assert_eq!(app.get("/cart").await.body, "tea");
}

#[tokio::test]
async fn a_change_of_keys_waits_for_the_hand_out() {
    let bytes = std::array::from_fn(|i| ((i * i * 2_654_435_761) >> 13) as u8);
    let old = || Key::from_bytes(bytes).expect("a key that is not a pattern");
    let bearer = |layer: starsessions::SessionLayerBuilder| layer.transport(Transport::bearer());
    let store = Spy::new(MemoryStore::new());
    let site = Site::over(store, Kept::OnServer, bearer);
    let before = site.under_with(KeyRing::new(old()), bearer);
    let app = signed_in(&before).await;
    let both = KeyRing::generate().unwrap().accept(old(), None).unwrap();
    let after = before.under_with(both, bearer);
    after.wait_seconds(120);
    let mut app = app.at(&served(&after));
    let first = app.token.clone().unwrap();
    for _ in 0..2 {
        assert_eq!(app.get("/me").await.body, "7");
        app.post("/cart/tea").await;
    }
    assert_eq!(app.get("/cart").await.body, "tea,tea");
    assert_ne!(app.take("/token").await, first);
    assert_eq!(app.get("/cart").await.body, "tea,tea");
}

#[tokio::test]
async fn a_token_that_a_sign_in_has_overtaken_is_not_handed_out() {
    let site = alone();
    let gate = Gate::new();
    let held = gate.clone();
    let slow = move |mut shop: Session<Shop>| async move {
        held.pass().await;
        shop.cart.push("tea".to_owned());
        let session = shop.current();
        drop(shop);
        Ok::<_, SessionError>(session.bearer_token().await?.as_str().to_owned())
    };
    let routes = routes().route("/slow", post(slow));
    let mut app = signed_in(&site)
        .await
        .at(&routes.layer(site.sessions.layer()));
    let slow = tokio::spawn(app.ask(Method::POST, "/slow"));
    gate.reached().await;
    app.take("/token/8").await;
    gate.open();
    let slow = slow.await.unwrap();
    // The write is stored, as if it came before the sign-in, so the answer does not claim that nothing was changed.
    assert_eq!(slow.status, StatusCode::UNAUTHORIZED, "{slow:?}");
    assert_eq!(slow.body, "Sign in first.");
    assert_eq!(app.get("/cart").await.body, "tea");
}

#[tokio::test]
async fn a_logout_ends_every_copy_of_a_token_and_so_do_the_timeouts() {
    let site = alone();
    let app = signed_in(&site).await;
    let copy = app.clone();
    app.post("/logout").await;
    assert_eq!(copy.get("/me").await.body, "guest");

    let app = signed_in(&site).await;
    site.wait_seconds(3_600);
    assert_eq!(app.get("/me").await.body, "guest");
}

#[tokio::test]
async fn a_guest_has_no_token_and_a_layer_of_cookies_none_either() {
    let reply = app(&alone()).post("/token").await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    assert_eq!(reply.body, "Sign in first.");
    let site = Site::new();
    let reply = site.serve(routes()).post("/token/7").await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(site.rows(), 0);
}

#[tokio::test]
async fn a_header_of_ones_own_carries_the_token() {
    let site = Site::with(|layer| layer.transport(Transport::header("X-Session")));
    let routes: Router = served(&site);
    let app = App::new(&routes);
    let reply = app.post("/token/7").await;
    assert_eq!(reply.all("vary"), ["x-session"]);
    let client = starsessions_tests::client::Client::new(&routes);
    let headers = [("x-session", reply.body.as_str())];
    let me = client.ask_with(Method::GET, "/me", &headers).await;
    assert_eq!(me.body, "7");
    assert_eq!(app.showing(&reply.body).get("/me").await.body, "guest");
}

const RENEWAL: Duration = Duration::from_secs(600);
