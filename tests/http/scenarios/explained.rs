//! 6. Localhost, Safari, proxy: the log names problems, and a header explains each session's outcome.

use std::time::Duration;

use axum::Router;
use http::header::{COOKIE, HOST, ORIGIN, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use starsessions::config::Transport;
use starsessions::{
    CookieStore, CurrentSession, KeyRing, MemoryStore, SameSite, Session, SessionError,
    SessionLayer, SessionLayerBuilder, SessionRejection,
};
use starsessions_tests::client::{Client, Reply, exchange};
use starsessions_tests::logs::Logs;
use starsessions_tests::routing::{get, post};
use starsessions_tests::shop::{self, Login, Shop};
use starsessions_tests::site::Site;

fn explaining() -> Site {
    Site::with(|layer| layer.explain(true))
}

fn routes() -> Router {
    let fail = |mut shop: Session<Shop>| async move {
        shop.views += 1;
        StatusCode::INTERNAL_SERVER_ERROR
    };
    let refuse = |mut shop: Session<Shop>, session: CurrentSession| async move {
        shop.views += 1;
        drop(shop);
        Err::<(), SessionRejection>(session.view::<Login>().await.unwrap_err())
    };
    let routes = shop::with_logout().route("/fail", post(fail));
    routes
        .route("/refuse", post(refuse))
        .route("/none", get(async || ()))
}

fn explanation(reply: &Reply) -> &str {
    let lines = reply.all(HEADER);
    assert_eq!(lines.len(), 1, "{:?}", reply.headers);
    lines[0]
}

async fn ask(client: &Client, app: &Router, path: &str, headers: &[(&'static str, &str)]) -> Reply {
    let mut request = Request::builder().method(Method::POST).uri(path);
    if let Some(cookies) = client.cookies() {
        request = request.header(COOKIE, cookies);
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    exchange(
        app.clone(),
        request.body(axum::body::Body::empty()).unwrap(),
    )
    .await
}

#[tokio::test]
async fn scenario_06_a_request_says_why() {
    let site = explaining();
    let mut client = site.serve(routes());
    let said = explanation(&client.get("/cart").await).to_owned();
    assert_eq!(
        said,
        "no session: the request has no cookie `__Host-Http-id`; nothing to write"
    );
    for (path, expected) in [
        (
            "/cart/tea",
            "no session: the request has no cookie `__Host-Http-id`; created: 1 field; cookie set",
        ),
        ("/views", "loaded; written: 1 field"),
        (
            "/fail",
            "loaded; changes dropped: the response is a 5xx or a 408; `commit = always` or \
             `on_server_error` keeps them; nothing to write",
        ),
        (
            "/refuse",
            "loaded; changes dropped: an extractor has turned the request away; nothing to write",
        ),
        (
            "/login/7",
            "new id: a `rotate` field has changed, or `rotate` was called; cookie set",
        ),
    ] {
        let reply = client.post(path).await;
        let said = explanation(&reply);
        assert!(said.ends_with(expected), "{path}: {said}");
    }
    site.wait_seconds(600);
    assert_eq!(
        explanation(&client.get("/cart").await),
        "loaded; deadlines moved"
    );
    let former = client.clone();
    let said = explanation(&client.post("/logout").await).to_owned();
    assert!(said.ends_with("ended; cookie removed"), "{said}");
    let mut former = former;
    let said = explanation(&former.get("/cart").await).to_owned();
    assert!(
        said.starts_with("cookie refused: no such session"),
        "{said}"
    );
    client.post("/login/7").await;
    let mut behind = client.clone();
    client.post("/login/8").await;
    let said = explanation(&behind.post("/logout").await).to_owned();
    assert!(said.ends_with("; ended; cookie removed"), "{said}");
    let said = client.showing("__Host-Http-id=garbage").get("/cart").await;
    assert!(explanation(&said).starts_with("cookie refused: its value is not one"));
    site.store.fail_all();
    let said = former.get("/cart").await;
    assert!(explanation(&said).starts_with("not loaded: the store failed"));
}

/// The message of a rejected value may contain the value itself.
#[tokio::test]
async fn scenario_06_what_cannot_be_written_is_named_and_not_shown() {
    let site = explaining();
    let enter = |mut badge: Session<Badge>| async move { badge.number = "42".to_owned() };
    let meanwhile = Client::new(&routes().layer(site.sessions.layer()));
    let behind = |mut shop: Session<Shop>, headers: HeaderMap| async move {
        let cookies = headers.get(COOKIE).unwrap();
        meanwhile.showing(cookies).post("/logout").await;
        let _ = shop.reload().await;
        shop.views += 1;
    };
    let routes = routes()
        .route("/enter", post(enter))
        .route("/behind", post(behind));
    let mut client = site.serve(routes);
    client.post("/cart/tea").await;
    let reply = client.post("/enter").await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    let said = explanation(&reply);
    assert_eq!(
        said,
        "loaded; not written: `badge.number` cannot be stored; the log has its error"
    );
    let said = client.post("/behind").await;
    let said = explanation(&said);
    assert_eq!(
        said,
        "loaded; not written: the session has ended since it was loaded; start a new one"
    );
}

#[derive(Session)]
struct Badge {
    #[session(validate = none)]
    number: String,
}

#[derive(Session)]
struct Account {
    #[session(required, index)]
    user: u64,
}

#[tokio::test]
async fn scenario_06_an_end_by_the_own_handle_is_named() {
    let site = explaining();
    let enter = async |session: CurrentSession| session.insert(Account { user: 7 });
    let leave = async |session: CurrentSession| {
        let own = session.list::<Account>().await?.remove(0);
        session.revoke::<Account>(own.id).await.map(|_| ())
    };
    let routes = Router::new()
        .route("/enter", post(enter))
        .route("/leave", post(leave));
    let mut client = site.serve(routes);
    client.post("/enter").await;
    let said = client.post("/leave").await;
    assert_eq!(explanation(&said), "loaded; ended; cookie removed");
}

/// A message for the next page, such as "You are signed out", must be set in a view taken after the end.
#[tokio::test]
async fn scenario_06_what_is_changed_in_a_view_from_before_the_end_is_named() {
    let site = explaining();
    let before = async |mut shop: Session<Shop>, session: CurrentSession| {
        shop.views += 1;
        session.destroy()
    };
    let held = async |session: CurrentSession, mut shop: Session<Shop>| {
        session.destroy()?;
        shop.views += 1;
        Ok::<_, SessionError>(())
    };
    let behind = async |session: CurrentSession| {
        session.destroy().map_err(SessionRejection::from)?;
        session.view::<Shop>().await?.views += 1;
        Ok::<_, SessionRejection>(())
    };
    let read = async |_shop: Session<Shop>, session: CurrentSession| session.destroy();
    let routes = routes()
        .route("/before", post(before))
        .route("/held", post(held))
        .route("/behind", post(behind))
        .route("/read", post(read));
    for (path, expected) in [
        ("/before", format!("loaded; {LATE}; ended; cookie removed")),
        ("/held", format!("loaded; {LATE}; ended; cookie removed")),
        (
            "/behind",
            "loaded; ended, and another one created; cookie set".to_owned(),
        ),
        ("/read", "loaded; ended; cookie removed".to_owned()),
    ] {
        let mut client = site.serve(routes.clone());
        client.post("/cart/tea").await;
        let reply = client.post(path).await;
        assert_eq!(explanation(&reply), expected, "{path}");
    }
}

const LATE: &str = "not written: a view of `Shop` from before `destroy` or `rollback` was changed; take another one \
                    behind it";

fn none(number: &str) -> Result<(), String> {
    Err(format!("{number} is no number of ours"))
}

#[tokio::test]
async fn scenario_06_a_reload_is_not_explained_as_another_view() {
    let site = explaining();
    let reload = async |mut shop: Session<Shop>| {
        shop.views += 1;
        shop.flush().map_err(SessionRejection::from)?;
        shop.reload().await
    };
    let mut client = site.serve(routes().route("/reload", post(reload)));
    client.post("/cart/tea").await;
    let reply = client.post("/reload").await;
    assert_eq!(explanation(&reply), "loaded; written: 1 field");
}

/// The error may surface in the layer, in the handler, or in the direct caller of the store.
#[tokio::test]
async fn scenario_06_what_is_too_large_is_named_once() {
    let too_much = || "x".repeat(20_000);
    let drops = async move |mut shop: Session<Shop>| shop.cart.push(too_much());
    let commits = async move |mut shop: Session<Shop>| {
        shop.cart.push(too_much());
        shop.commit().await
    };
    let fills = async |mut shop: Session<Shop>| shop.cart.push("x".repeat(900));
    let routes = Router::new()
        .route("/drops", post(drops))
        .route("/commits", post(commits))
        .route("/fills", post(fills));
    let site = Site::with(|layer| layer.explain(true).field_limit(1_000).record_limit(1_000));
    let mut client = site.serve(routes);
    for (path, expected) in [
        ("/drops", "not written: a field of "),
        ("/commits", "not written: a field of "),
        ("/fills", "; created: 1 field"),
        ("/fills", "not written: a field of "),
    ] {
        let reply = client.post(path).await;
        let said = explanation(&reply);
        assert!(said.contains(expected), "{path}: {said}");
        assert!(!said.contains("nothing to write"), "{path}: {said}");
        assert!(said.matches("not written").count() < 2, "{path}: {said}");
    }
}

#[tokio::test]
async fn scenario_06_another_key_or_realm_is_named() {
    let site = explaining();
    let mut client = site.serve(routes());
    client.post("/cart/tea").await;
    let other = explaining();
    let mut lost = client.at(&other.serve(routes()));
    let said = explanation(&lost.get("/cart").await).to_owned();
    assert!(said.starts_with("cookie refused: its key is one"), "{said}");
}

#[tokio::test]
async fn scenario_06_expiry_is_named() {
    for (busy, timeout) in [(false, "idle"), (true, "absolute")] {
        let site = explaining();
        let mut client = site.serve(routes());
        client.post("/cart/tea").await;
        for _ in 0..if busy { 48 } else { 2 } {
            if busy {
                client.get("/cart").await;
            }
            site.wait_seconds(1_800);
        }
        let said = explanation(&client.get("/cart").await).to_owned();
        assert!(
            said.contains(&format!("ended by the {timeout} timeout")),
            "{said}"
        );
    }
}

#[tokio::test]
async fn scenario_06_a_former_id_within_its_grace_is_named() {
    let site = Site::with(|layer| layer.explain(true).renewal(Duration::from_secs(900)));
    let mut client = site.serve(routes());
    client.post("/cart/tea").await;
    site.wait_seconds(900);
    let mut behind = client.clone();
    assert!(client.get("/cart").await.sets_cookie());
    let said = explanation(&behind.get("/cart").await).to_owned();
    assert!(
        said.starts_with("loaded; by the id before a renewal, within its grace"),
        "{said}"
    );
}

#[tokio::test]
async fn scenario_06_two_sessions_are_named() {
    let site = explaining();
    let mut one = site.serve(routes());
    let mut two = one.clone();
    one.post("/cart/tea").await;
    two.post("/cart/milk").await;
    let both = format!("{}; {}", one.cookies().unwrap(), two.cookies().unwrap());
    let reply = one.showing(both).get("/cart").await;
    let said = explanation(&reply);
    assert!(
        said.contains("two cookies `__Host-Http-id` lead to two sessions"),
        "{said}"
    );
}

/// The explanation describes the last cookie, even where a token is accepted too.
#[tokio::test]
async fn scenario_06_of_several_cookies_it_is_said_why_they_are_refused() {
    let beside = |layer: SessionLayerBuilder| layer.transport(Transport::bearer().beside_cookie());
    for site in [
        explaining(),
        Site::with(|layer| beside(layer).explain(true)),
    ] {
        let mut user = site.serve(routes());
        user.post("/login/7").await;
        let ended = user.cookies().unwrap();
        user.post("/logout").await;
        let made_up = "__Host-Http-id=made-up";
        for (first, last, why) in [
            (made_up, ended.as_str(), "no such session"),
            (&ended, made_up, "its value is not one of this library"),
        ] {
            let mut client = user.showing(format!("{first}; {last}"));
            let said = explanation(&client.get("/cart").await).to_owned();
            assert!(
                said.starts_with(&format!("cookie refused: {why}")),
                "{said}"
            );
        }
    }
}

#[tokio::test]
async fn scenario_06_what_browsers_leave_out_is_named() {
    for (same_site, expected) in [
        (
            SameSite::Lax,
            Some("`SameSite=Lax` cookie there, but for links"),
        ),
        (SameSite::Strict, Some("`SameSite=Strict` cookie there")),
        (SameSite::None, None),
    ] {
        let site = Site::with(|layer| layer.explain(true).cookie(|it| it.same_site(same_site)));
        let app = routes().layer(site.sessions.layer());
        let client = Client::new(&app);
        let reply = ask(&client, &app, "/views", &[("sec-fetch-site", "cross-site")]).await;
        let said = explanation(&reply);
        match expected {
            Some(expected) => assert!(said.contains(expected), "{said}"),
            None => assert!(!said.contains("another site"), "{said}"),
        }
        let reply = ask(
            &client,
            &app,
            "/views",
            &[("sec-fetch-site", "same-origin")],
        )
        .await;
        assert!(!explanation(&reply).contains("another site"));
    }
}

/// Production settings over http cause one warning, which names the setting.
#[tokio::test]
async fn scenario_06_plain_http_is_one_warning() {
    let plain = [("host", "shop.example"), ("origin", "http://shop.example")];
    let proxied = [("host", "shop.example"), ("origin", "https://shop.example")];
    for (headers, secure, warnings) in [(plain, true, 1), (proxied, true, 0), (plain, false, 0)] {
        for path in ["/views", "/login/7", "http://shop.example/views"] {
            // HTTP/2 has no `Host`.
            let is_http_2 = path.starts_with("http");
            let headers = &headers[usize::from(is_http_2)..];
            let logs = Logs::capture();
            let site = Site::with(|layer| {
                layer.cookie(|cookie| {
                    if secure {
                        cookie
                    } else {
                        cookie.name("id").secure(false)
                    }
                })
            });
            let app = routes().layer(site.sessions.layer());
            for _ in 0..3 {
                let reply = ask(&Client::new(&app), &app, path, headers).await;
                assert!(reply.sets_cookie());
                assert!(reply.all(HEADER).is_empty());
            }
            let lines = logs.with(&["WARN", "`SessionLayer::dev`", "`Secure`"]);
            assert_eq!(lines.len(), warnings, "{path} {headers:?}: {}", logs.text());
        }
    }
}

/// Development settings on a public site cause one warning, which names the remedy.
#[tokio::test]
async fn scenario_06_development_settings_in_production_are_one_warning() {
    let proxied = [("host", "shop.example"), ("x-forwarded-proto", "https")];
    let at_home = [("host", "localhost:3000"), ("x-forwarded-proto", "https")];
    let keys = || KeyRing::generate().unwrap();
    for (headers, layer, warnings) in [
        (proxied, SessionLayer::dev(MemoryStore::new(), keys()), 1),
        (proxied, SessionLayer::new(MemoryStore::new(), keys()), 0),
        (at_home, SessionLayer::dev(MemoryStore::new(), keys()), 0),
    ] {
        let logs = Logs::capture();
        let app = routes().layer(layer);
        // The first request comes from the developer.
        ask(&Client::new(&app), &app, "/views", &at_home[..1]).await;
        for headers in [headers, headers, headers] {
            ask(&Client::new(&app), &app, "/views", &headers).await;
        }
        let lines = logs.with(&[
            "WARN",
            "`SessionLayer::dev`",
            "not for production",
            "`SessionLayer::new`",
        ]);
        assert_eq!(lines.len(), warnings, "{headers:?}: {}", logs.text());
    }
}

#[tokio::test]
async fn scenario_06_an_explanation_names_the_scheme() {
    let site = explaining();
    let app = routes().layer(site.sessions.layer());
    let headers = [
        (HOST.as_str(), "shop.example"),
        (ORIGIN.as_str(), "http://shop.example"),
    ];
    let reply = ask(&Client::new(&app), &app, "/views", &headers).await;
    let said = explanation(&reply);
    for part in [
        "browsers do not send a `Secure`",
        "browsers do not keep a `Secure`",
    ] {
        assert!(said.contains(part), "{said}");
    }
}

#[tokio::test]
async fn scenario_06_development_explains_and_production_does_not() {
    let keys = || KeyRing::generate().unwrap();
    for (layer, explains) in [
        (SessionLayer::dev(MemoryStore::new(), keys()), true),
        (SessionLayer::dev(CookieStore::sealed(), keys()), true),
        (SessionLayer::new(MemoryStore::new(), keys()), false),
        (
            SessionLayer::builder(MemoryStore::new(), keys())
                .build()
                .unwrap(),
            false,
        ),
    ] {
        let mut client = Client::new(&shop::routes().route("/none", get(async || ())).layer(layer));
        assert_eq!(
            client.post("/views").await.headers.contains_key(HEADER),
            explains
        );
        assert_eq!(
            client.get("/views").await.headers.contains_key(HEADER),
            explains
        );
        // A handler that takes no session gets the same response as without the layer.
        assert!(!client.get("/none").await.headers.contains_key(HEADER));
    }
}

#[tokio::test]
async fn scenario_06_an_explanation_holds_no_secret() {
    let logs = Logs::capture();
    let site = explaining();
    let mut client = site.serve(routes());
    let mut said = String::new();
    let mut cookies = Vec::new();
    for path in ["/cart/tea", "/views", "/login/7", "/fail", "/logout"] {
        let reply = client.post(path).await;
        said.push_str(explanation(&reply));
        let set = reply.headers.get(SET_COOKIE).map(HeaderValue::to_str);
        cookies.extend(set.map(|it| it.unwrap().to_owned()));
    }
    said.push_str(&logs.text());
    assert!(
        logs.with(&["DEBUG", "session explained", "written"]).len() == 1,
        "{}",
        logs.text()
    );
    assert!(cookies.len() > 2);
    for cookie in cookies {
        let value = cookie.split(['=', ';']).nth(1).unwrap();
        assert!(value.is_empty() || !said.contains(value), "{said}");
    }
    assert!(!said.contains("tea"), "{said}");
}

const HEADER: &str = "x-session-explain";
