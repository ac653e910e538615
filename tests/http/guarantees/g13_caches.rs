//! G13: the headers for shared caches.

use std::convert::Infallible;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, EXPIRES, VARY};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use starsessions::config::Transport;
use starsessions::{CurrentSession, Session};
use starsessions_tests::client::{App, Reply};
use starsessions_tests::gate::Gate;
use starsessions_tests::logs::Logs;
use starsessions_tests::routing::{any, get};
use starsessions_tests::site::Site;

use starsessions_tests::shop::{self, Login, Shop};

#[derive(Clone, Copy, Debug)]
enum Use {
    /// Read, without a session.
    Read,
    /// Ask whether a value exists.
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
        (
            vec![r#"public, x="a, no-store, b""#],
            vec!["private, no-store"],
        ),
        (vec![r#"x="a\", no-store, b""#], vec!["private, no-store"]),
        (vec![r#"x="a, b", no-store"#], vec![r#"x="a, b", no-store"#]),
        // A cache that understands the status would store this response.
        (
            vec!["must-understand, no-store, public"],
            vec!["private, no-store"],
        ),
    ] {
        let headers: Vec<_> = said.iter().map(|value| ("cache-control", *value)).collect();
        let reply = answer(Use::Write, &headers).await;
        assert!(reply.sets_cookie());
        assert_eq!(reply.all(CACHE_CONTROL.as_str()), expected, "{said:?}");
    }
}

/// Headers that CDNs and proxies obey instead of `Cache-Control` (RFC 9213).
#[tokio::test]
async fn g13_a_response_that_sets_a_cookie_is_stored_by_no_delivery_network() {
    for (name, said, is_kept) in [
        ("cdn-cache-control", "max-age=600", false),
        ("cdn-cache-control", "public, max-age=600", false),
        ("cdn-cache-control", "no-store", true),
        ("cdn-cache-control", "max-age=0, No-Store", true),
        ("cdn-cache-control", "private", true),
        (
            "cdn-cache-control",
            r#"max-age=600, x="a, private, b""#,
            false,
        ),
        (
            "cdn-cache-control",
            "Must-Understand, no-store, max-age=600",
            false,
        ),
        ("cloudflare-cdn-cache-control", "max-age=600", false),
        ("vercel-cdn-cache-control", "s-maxage=600", false),
        ("netlify-cdn-cache-control", "public, durable", false),
        ("x-litespeed-cache-control", "public, max-age=600", false),
        ("surrogate-control", "max-age=600", false),
        (
            "surrogate-control",
            "max-age=600, content=\"ESI/1.0\"",
            false,
        ),
        ("surrogate-control", "content=\"ESI/1.0\"", true),
        ("edge-control", "!no-store, cache-maxage=1d", false),
        ("edge-control", "no-store", true),
        ("x-accel-expires", "600", false),
        ("x-accel-expires", "@1893456000", false),
        ("x-accel-expires", "0", true),
        ("cache-tag", "max-age=600", true),
        ("access-control-max-age", "600", true),
    ] {
        let logs = Logs::capture();
        let reply = answer(Use::Write, &[(name, said)]).await;
        assert!(reply.sets_cookie());
        let kept = if is_kept { vec![said] } else { vec![] };
        assert_eq!(reply.all(name), kept, "{name}: {said}");
        assert_eq!(reply.all("cache-control"), ["private, no-store"]);
        let told = logs.with(&["WARN", name, "session cookie", "private, no-store"]);
        assert_eq!(told.len(), usize::from(!is_kept), "{}", logs.text());
    }
}

#[tokio::test]
async fn g13_several_such_fields_are_all_removed() {
    let reply = answer(
        Use::Write,
        &[
            ("cdn-cache-control", "max-age=600"),
            ("cdn-cache-control", "public"),
            ("surrogate-control", "max-age=600"),
            ("x-accel-expires", "600"),
            ("x-kind", "page"),
        ],
    )
    .await;
    for name in ["cdn-cache-control", "surrogate-control", "x-accel-expires"] {
        assert!(reply.all(name).is_empty(), "{name}");
    }
    assert_eq!(reply.all("x-kind"), ["page"]);
}

/// Some caches ignore `Vary: Cookie`; caches that obey it still store a page of one user.
#[tokio::test]
async fn g13_a_page_of_a_session_is_not_shared() {
    for (name, said, sent, control) in [
        (
            "cache-control",
            "public, s-maxage=600",
            "private",
            "private",
        ),
        (
            "cache-control",
            "Public, max-age=60, S-MaxAge=600, must-revalidate",
            "private, max-age=60, must-revalidate",
            "private, max-age=60, must-revalidate",
        ),
        ("cache-control", "s-maxage=600", "private", "private"),
        (
            "cache-control",
            "max-age=60",
            "private, max-age=60",
            "private, max-age=60",
        ),
        (
            "cache-control",
            "Max-Age=\"60\", must-revalidate",
            "private, Max-Age=\"60\", must-revalidate",
            "private, Max-Age=\"60\", must-revalidate",
        ),
        (
            "cache-control",
            "max-age=0, stale-while-revalidate=60",
            "private, max-age=0, stale-while-revalidate=60",
            "private, max-age=0, stale-while-revalidate=60",
        ),
        (
            "cache-control",
            "public, private, max-age=60",
            "private, max-age=60",
            "private, max-age=60",
        ),
        // `private` with a field name applies to that field alone.
        (
            "cache-control",
            "private=\"x-user\", max-age=60",
            "private, private=\"x-user\", max-age=60",
            "private, private=\"x-user\", max-age=60",
        ),
        (
            "cache-control",
            r#"max-age=60, x="a, no-store, b""#,
            r#"private, max-age=60, x="a, no-store, b""#,
            r#"private, max-age=60, x="a, no-store, b""#,
        ),
        // Responses that are revalidated on each use, or that do not mention caches, stay as they are.
        ("cache-control", "max-age=0", "max-age=0", "max-age=0"),
        ("cache-control", "no-cache", "no-cache", "no-cache"),
        (
            "cache-control",
            "max-age=60, no-store",
            "max-age=60, no-store",
            "max-age=60, no-store",
        ),
        ("expires", "0", "0", ""),
        ("last-modified", DATE, DATE, ""),
        (
            "cache-control",
            "private, max-age=60",
            "private, max-age=60",
            "private, max-age=60",
        ),
        ("cache-control", "no-store", "no-store", "no-store"),
        (
            "cache-control",
            "must-understand, no-store, max-age=60",
            "private, must-understand, no-store, max-age=60",
            "private, must-understand, no-store, max-age=60",
        ),
        ("cdn-cache-control", "max-age=600", "", ""),
        ("surrogate-control", "max-age=600", "", ""),
        ("x-accel-expires", "600", "", ""),
        ("cdn-cache-control", "no-store", "no-store", ""),
        ("cdn-cache-control", "private", "private", ""),
    ] {
        let logs = Logs::capture();
        let site = Site::new();
        let page = get(async move |_: Session<Shop>| ([(name, said)], "page"));
        let mut client = site.serve(shop::routes().route("/page", page));
        let guest = client.get("/page").await;
        assert_eq!(guest.all(name), [said], "without a session");
        client.post("/cart/tea").await;
        for _ in 0..2 {
            let reply = client.get("/page").await;
            assert!(!reply.sets_cookie());
            assert_eq!(reply.all(name).concat(), sent, "{name}: {said}");
            assert_eq!(
                reply.all("cache-control").concat(),
                control,
                "{name}: {said}"
            );
            assert_eq!(reply.all("vary"), ["Cookie"]);
        }
        let told = logs.with(&["WARN", name, "reads the session"]);
        assert_eq!(told.len(), usize::from(said != sent), "{}", logs.text());
    }
}

/// `Expires` alone sets a lifetime too; the browser may still use it.
#[tokio::test]
async fn g13_a_page_of_a_session_that_expires_later_is_private() {
    for (control, sent, is_told) in [
        (None, "private", true),
        (Some("must-revalidate"), "private, must-revalidate", true),
        (Some("private"), "private", false),
        (Some("no-store"), "no-store", false),
        (Some("max-age=0"), "max-age=0", false),
    ] {
        let logs = Logs::capture();
        let page = get(async move |_: Session<Shop>| {
            let mut headers = HeaderMap::from_iter([(EXPIRES, HeaderValue::from_static(DATE))]);
            headers.extend(control.map(|value| (CACHE_CONTROL, HeaderValue::from_static(value))));
            (headers, "page")
        });
        let mut client = Site::new().serve(shop::routes().route("/page", page));
        client.post("/cart/tea").await;
        let reply = client.get("/page").await;
        assert_eq!(reply.all("cache-control").concat(), sent, "{control:?}");
        assert_eq!(reply.all("expires"), [DATE]);
        let told = logs.with(&["WARN", "expires", "reads the session"]);
        assert_eq!(told.len(), usize::from(is_told), "{}", logs.text());
    }
}

/// The page shows values that were read before the session ended.
#[tokio::test]
async fn g13_a_page_of_a_session_that_ends_meanwhile_is_not_shared() {
    let gate = Gate::new();
    let held = gate.clone();
    let page = get(move |login: Session<Login>| async move {
        held.pass().await;
        (
            [(CACHE_CONTROL, "public, max-age=60")],
            login.user.to_string(),
        )
    });
    let site = Site::new();
    let mut client = site.serve(shop::with_logout().route("/page", page));
    client.post("/login/7").await;
    // The page would move a deadline, but the session has ended.
    site.wait_seconds(120);
    let page = tokio::spawn(client.ask(Method::GET, "/page"));
    gate.reached().await;
    client.post("/logout").await;
    gate.open();
    let page = page.await.unwrap();
    assert_eq!(page.body, "7");
    assert_eq!(page.all("cache-control"), ["private, max-age=60"]);
}

/// The response sets no cookie, which would make it uncacheable anyway.
#[tokio::test]
async fn g13_a_page_that_ends_the_session_of_its_token_is_not_shared() {
    let site = Site::with(|layer| layer.transport(Transport::bearer()));
    let bye = get(async |login: Session<Login>, session: CurrentSession| {
        session.destroy().unwrap();
        ([(CACHE_CONTROL, "public")], login.user.to_string())
    });
    let routes = shop::with_tokens().route("/bye", bye);
    let mut app = App::new(&routes.layer(site.sessions.layer()));
    app.take("/token/7").await;
    assert_eq!(app.get("/bye").await.all("cache-control"), ["private"]);
}

/// A header value may contain any octets.
#[tokio::test]
async fn g13_a_directive_that_is_no_text_hides_no_other() {
    let said = HeaderValue::from_bytes(b"public, max-age=60, by=\"caf\xe9\"").unwrap();
    let page = get(async move |_: Session<Shop>| [(CACHE_CONTROL, said)]);
    let mut client = Site::new().serve(shop::routes().route("/page", page));
    client.post("/cart/tea").await;
    let page = client.get("/page").await;
    assert_eq!(page.all("cache-control"), ["private, max-age=60"]);
}

const DATE: &str = "Fri, 31 Dec 2100 23:59:59 GMT";

#[tokio::test]
async fn g13_a_page_that_takes_no_session_is_left_to_its_handler() {
    let said = [
        ("cache-control", "public, s-maxage=600"),
        ("cdn-cache-control", "max-age=600"),
    ];
    let site = Site::new();
    let page = get(async move || {
        (
            said.map(|(name, value)| (HeaderName::from_static(name), value)),
            "page",
        )
    });
    let mut client = site.serve(shop::routes().route("/page", page));
    client.post("/cart/tea").await;
    let reply = client.get("/page").await;
    for (name, value) in said {
        assert_eq!(reply.all(name), [value]);
    }
    assert!(reply.all("vary").is_empty());
}

#[tokio::test]
async fn g13_a_guests_response_that_sets_no_cookie_keeps_its_cache_control() {
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
    let mut client = Site::new().serve(shop::with_logout());
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

/// Once the head has left, caches have decided what to store.
#[tokio::test]
async fn g13_no_body_loads_a_session_that_its_head_has_not_told_of() {
    async fn page(session: CurrentSession, early: bool) -> Response {
        if early {
            session.get::<Login>().await.unwrap();
        }
        let user = async move {
            let login = session.get::<Login>().await;
            let user = login.map(|login| login.map(|login| login.user));
            Ok::<_, Infallible>(format!("{user:?}"))
        };
        let body = Body::from_stream(futures_util::stream::once(user));
        ([(CACHE_CONTROL, "public")], body).into_response()
    }
    let routes = Router::new()
        .route("/early", get(|session| page(session, true)))
        .route("/late", get(|session| page(session, false)));
    let mut client = Site::new().serve(routes.merge(shop::routes()));
    client.post("/login/7").await;
    let late = client.get("/late").await;
    assert_eq!(late.body, "Err(Closed)");
    assert_eq!(late.all(CACHE_CONTROL.as_str()), ["public"]);
    let early = client.get("/early").await;
    assert_eq!(early.body, "Ok(Some(7))");
    assert_eq!(early.all(CACHE_CONTROL.as_str()), ["private"]);
}
