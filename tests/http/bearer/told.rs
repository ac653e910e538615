//! The log, the explain header, the test helpers and the layer, for sessions with a bearer token.

use http::{Method, StatusCode};
use starsessions::config::{SecurityScheme, Transport};
use starsessions::testing::TestSessions;
use starsessions::{Flows, Session, SessionError};
use starsessions_tests::client::{App, Client};
use starsessions_tests::logs::Logs;
use starsessions_tests::routing::post;
use starsessions_tests::shop::{Login, Shop};
use starsessions_tests::site::Site;

use super::{alone, routes, served, signed_in};

#[tokio::test]
async fn the_explain_header_says_how_the_session_came() {
    let bearer = Transport::bearer();
    for (transport, none) in [
        (bearer.clone(), "no session: the request has no token"),
        (
            bearer.beside_cookie(),
            "no session: the request has no cookie `__Host-Http-id`, and no token",
        ),
    ] {
        let site = Site::with(|layer| layer.explain(true).transport(transport));
        let mut app = App::new(&served(&site));
        let said =
            |reply: starsessions_tests::client::Reply| reply.all("x-session-explain").join("");
        let begun = app.post("/token/7").await;
        app.token = Some(begun.body.clone());
        let begun = said(begun);
        assert!(begun.starts_with(none), "{begun}");
        assert!(
            begun.ends_with("created: 1 field; token handed out"),
            "{begun}"
        );
        let loaded = said(app.get("/me").await);
        assert_eq!(loaded, "loaded, by its token; nothing to write");
        let begun = said(app.post("/login/8").await);
        assert!(
            begun.contains("not written: the session would get an id"),
            "{begun}"
        );
        app.post("/logout").await;
        let refused = said(app.get("/me").await);
        assert!(
            refused.starts_with("token refused: no such session"),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn the_log_says_how_a_session_came_and_never_its_token() {
    let logs = Logs::capture();
    let site = alone();
    let app = signed_in(&site).await;
    app.post("/logout").await;
    app.get("/me").await;
    let token = app.token.as_deref().unwrap();
    for words in [
        &["session loaded", r#"by="header""#][..],
        &["session token handed out", "session="],
        &["session token refused", r#"reason="unknown""#],
    ] {
        assert!(!logs.with(words).is_empty(), "{words:?}: {}", logs.text());
    }
    assert!(logs.with(&["cookie refused"]).is_empty());
    assert!(!logs.text().contains(&token[8..]), "{}", logs.text());

    let mut browser = Site::new().serve(routes());
    browser.post("/login/7").await;
    browser.get("/me").await;
    assert!(!logs.with(&["session loaded", r#"by="cookie""#]).is_empty());
}

#[tokio::test]
async fn a_token_is_not_shown_by_debug() {
    let test = TestSessions::with(|layer| layer.transport(Transport::bearer()));
    let shown = |session: starsessions::CurrentSession| async move {
        session.insert(Login { user: 7 })?;
        let token = session.bearer_token().await?;
        assert_eq!(
            serde_json::to_string(&token).unwrap(),
            format!("{:?}", token.as_str())
        );
        Ok::<_, SessionError>(format!("{token:?}"))
    };
    let app = routes().route("/shown", post(shown)).layer(test.layer());
    assert_eq!(App::new(&app).post("/shown").await.body, "BearerToken(..)");
}

#[tokio::test]
async fn scenario_25_a_test_makes_the_header_of_a_session_and_reads_what_it_holds() {
    for (transport, header) in [
        (Transport::bearer(), "authorization"),
        (Transport::header("x-session").beside_cookie(), "x-session"),
    ] {
        let test = TestSessions::with(|layer| layer.transport(transport));
        let shown = test.authorization_with(Login { user: 7 }).await.unwrap();
        let client = Client::new(&routes().layer(test.layer()));
        let headers = [(header, shown.to_str().unwrap())];
        let added = client.ask_with(Method::POST, "/cart/tea", &headers).await;
        assert_eq!(added.status, StatusCode::OK);
        let shop: Shop = test.read_authorized(&shown).await.unwrap().unwrap();
        assert_eq!(shop.cart, ["tea"]);
        let login: Login = test.read_authorized(&shown).await.unwrap().unwrap();
        assert_eq!(login.user, 7);
    }
    let refused = TestSessions::new()
        .authorization_with(Login { user: 7 })
        .await;
    assert!(refused.unwrap_err().to_string().contains("takes no tokens"));
}

#[tokio::test]
async fn a_flow_needs_a_cookie() {
    let begin = |flows: Flows<u8>| async move { flows.begin(1) };
    let finish = |flows: Flows<u8>| async move { flows.finish("x").map(|_| ()) };
    let routes = routes()
        .route("/begin", post(begin))
        .route("/finish", post(finish));
    let app = App::new(&routes.layer(alone().sessions.layer()));
    for path in ["/begin", "/finish"] {
        let reply = app.post(path).await;
        assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR, "{path}");
    }
}

#[test]
fn a_layer_says_how_its_clients_show_their_session() {
    let cookie = || SecurityScheme::Cookie("__Host-Http-id".to_owned());
    let own = || SecurityScheme::Header("x-session".to_owned());
    for (transport, name, schemes) in [
        (Transport::cookie(), Some("__Host-Http-id"), vec![cookie()]),
        (Transport::bearer(), None, vec![SecurityScheme::Bearer]),
        (
            Transport::header("X-Session").beside_cookie(),
            Some("__Host-Http-id"),
            vec![cookie(), own()],
        ),
    ] {
        let layer = Site::with(|layer| layer.transport(transport))
            .sessions
            .layer();
        assert_eq!(layer.cookie_name(), name);
        assert_eq!(layer.security_schemes(), schemes);
    }
}

#[derive(Debug, Session)]
struct Ticket {
    #[session(exclusive)]
    code: u32,
}

/// `exclusive` holds for sessions with a token as well as with a cookie.
#[tokio::test]
async fn what_can_be_used_once_is_used_once_by_a_token_too() {
    let site = alone();
    let gate = starsessions_tests::gate::Gate::new();
    let held = gate.clone();
    let redeem = move |mut ticket: Session<Ticket>| async move {
        held.pass().await;
        ticket.code += 1;
    };
    let routes = routes().route("/redeem", post(redeem));
    let app = signed_in(&site)
        .await
        .at(&routes.layer(site.sessions.layer()));
    let both = [0, 1].map(|_| tokio::spawn(app.ask(Method::POST, "/redeem")));
    for _ in &both {
        gate.reached().await;
    }
    let mut statuses = Vec::new();
    for request in both {
        gate.open();
        statuses.push(request);
    }
    let mut seen = Vec::new();
    for request in statuses {
        seen.push(request.await.unwrap().status);
    }
    seen.sort();
    assert_eq!(seen, [StatusCode::OK, StatusCode::CONFLICT]);
}
