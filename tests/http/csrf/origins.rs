//! The origin that a request states.

use super::*;

const OK: StatusCode = StatusCode::OK;
const NO: StatusCode = StatusCode::FORBIDDEN;

const HTTPS: &str = "https://shop.example";

#[tokio::test]
async fn a_request_of_another_site_is_refused_whatever_it_brings() {
    let site = Site::new();
    let guarded = Guarded::new(&site);
    let mut user = guarded.user(7).await;
    let token = user.get("/page").await.body;
    for origin in [
        "https://evil.example",
        "https://forum.shop.example",
        HTTPS,
        "null",
    ] {
        for fetched in [
            "cross-site",
            "same-site",
            "",
            "SAME-ORIGIN",
            "same-origin, cross-site",
            "\u{e9}",
        ] {
            let headers = [
                ("sec-fetch-site", fetched),
                ("origin", origin),
                ("x-csrf-token", token.as_str()),
            ];
            assert_eq!(
                guarded.post(&user, &headers).await,
                NO,
                "{fetched} {origin}"
            );
        }
    }
    assert_eq!(
        guarded.post_token(&user, &token).await,
        OK,
        "the token itself is good"
    );
}

#[tokio::test]
async fn what_the_site_itself_has_caused_passes() {
    let site = Site::new();
    let guarded = Guarded::new(&site);
    let (user, guest) = (guarded.user(7).await, guarded.visitor.clone());
    let own: [&[(&str, &str)]; 7] = [
        &[("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "none")],
        &[("sec-fetch-site", "same-origin"), ("origin", HTTPS)],
        // A proxy may have changed `Host`; the browser's `Sec-Fetch-Site` is correct.
        &[
            ("sec-fetch-site", "same-origin"),
            ("origin", "https://public.example"),
        ],
        &[("origin", HTTPS)],
        &[("origin", "https://Shop.Example")],
        &[
            ("sec-fetch-site", "same-origin"),
            ("x-csrf-token", "nonsense"),
        ],
    ];
    for headers in own {
        assert_eq!(guarded.post(&user, headers).await, OK, "{headers:?}");
        assert_eq!(guarded.post(&guest, headers).await, OK, "{headers:?}");
    }
}

#[tokio::test]
async fn an_origin_that_is_not_the_hosts_is_refused() {
    let site = Site::new();
    let guarded = Guarded::new(&site);
    let user = guarded.user(7).await;
    let foreign = [
        "https://evil.example",
        "https://forum.shop.example",
        "https://shop.example.evil.example",
        "https://notshop.example",
        "https://shop.example:8443",
        "https://shop.example:80",
        "https://shop.example/",
        "https://user@shop.example",
        "http://shop.example",
        "ftp://shop.example",
        "chrome-extension://shop.example",
        "shop.example",
        "//shop.example",
        "https://",
        "https:// shop.example",
        "",
        "NULL",
    ];
    for origin in foreign {
        assert_eq!(
            guarded.post(&user, &[("origin", origin)]).await,
            NO,
            "{origin}"
        );
    }
    let twice = [("origin", HTTPS), ("origin", HTTPS)];
    assert_eq!(
        guarded.post(&user, &twice).await,
        NO,
        "two origins are none"
    );
    let twice = [
        ("sec-fetch-site", "same-origin"),
        ("sec-fetch-site", "same-origin"),
    ];
    assert_eq!(
        guarded.post(&user, &twice).await,
        NO,
        "two answers are none"
    );
}

/// The scheme in a proxy header is not trusted: any client can send it.
#[tokio::test]
async fn the_scheme_is_that_of_the_configuration() {
    let plain = [
        ("origin", "http://shop.example"),
        ("x-forwarded-proto", "http"),
        ("forwarded", "proto=http"),
    ];
    let site = Site::new();
    let guarded = Guarded::new(&site);
    let user = guarded.user(7).await;
    assert_eq!(
        guarded.post(&user, &plain).await,
        NO,
        "the cookie is `Secure`"
    );

    let site = Site::with(|layer| layer.local_development());
    let guarded = Guarded::new(&site);
    assert_eq!(
        guarded.post(&guarded.visitor, &plain).await,
        OK,
        "it is not"
    );
}

#[tokio::test]
async fn a_loopback_host_needs_no_tls() {
    let site = Site::new();
    let guarded = Guarded::new(&site);
    for (host, status) in [
        ("localhost:3000", OK),
        ("app.localhost", OK),
        ("127.0.0.1:3000", OK),
        ("[::1]:3000", OK),
        ("localhost.evil.example", NO),
        ("evillocalhost", NO),
        ("127.0.0.1.evil.example:80", NO),
    ] {
        let request = Request::post("/echo")
            .header("host", host)
            .header("origin", format!("http://{host}"));
        let reply = exchange(guarded.app.clone(), request.body(Body::empty()).unwrap()).await;
        assert_eq!(reply.status, status, "{host}");
    }
}

#[tokio::test]
async fn the_host_may_stand_in_the_uri_and_name_its_port() {
    let site = Site::new();
    let guarded = Guarded::new(&site);
    let send = async |request: http::request::Builder| {
        let request = request.header("origin", HTTPS).body(Body::empty()).unwrap();
        exchange(guarded.app.clone(), request).await.status
    };
    assert_eq!(
        send(Request::post("https://shop.example/echo")).await,
        OK,
        "HTTP/2"
    );
    assert_eq!(send(Request::post("https://evil.example/echo")).await, NO);
    assert_eq!(
        send(Request::post("/echo").header("host", "shop.example:443")).await,
        OK
    );
    assert_eq!(
        send(Request::post("/echo").header("host", "shop.example:80")).await,
        NO
    );
    assert_eq!(send(Request::post("/echo")).await, NO, "no host at all");
    let v6 = |host: &str, origin: &str| {
        let request = Request::post("/echo").header("host", host);
        let request = request
            .header("origin", origin)
            .body(Body::empty())
            .unwrap();
        let app = guarded.app.clone();
        async move { exchange(app, request).await.status }
    };
    for (host, origin, status) in [
        ("[2001:db8::1]", "https://[2001:db8::1]", OK),
        ("[2001:db8::1]:443", "https://[2001:db8::1]", OK),
        ("[2001:DB8::1]:8443", "https://[2001:db8::1]:8443", OK),
        ("[2001:db8::1]", "https://[2001:db8::2]", NO),
        ("[2001:db8::443]", "https://[2001:db8:]", NO),
        ("[2001:db8::1]:8443", "https://[2001:db8::1]", NO),
        ("[2001:db8::1]", "http://[2001:db8::1]", NO),
    ] {
        assert_eq!(v6(host, origin).await, status, "{host} {origin}");
    }
    let two = Request::post("/echo")
        .header("host", HOST)
        .header("host", HOST);
    assert_eq!(send(two).await, NO, "two hosts are none");
}

#[tokio::test]
async fn a_trusted_origin_passes_and_its_neighbours_do_not() {
    let site = Site::new();
    let guard = CsrfLayer::new().trust("https://app.shop.example").unwrap();
    let guarded = Guarded::with(&site, guard);
    let user = guarded.user(7).await;
    for fetched in [Some("same-site"), Some("cross-site"), None] {
        for (origin, status) in [
            ("https://app.shop.example", OK),
            ("http://app.shop.example", NO),
            ("https://app.shop.example:8443", NO),
            ("https://x.app.shop.example", NO),
            ("https://APP.shop.example", NO),
        ] {
            let mut headers = vec![("origin", origin)];
            headers.extend(fetched.map(|fetched| ("sec-fetch-site", fetched)));
            assert_eq!(guarded.post(&user, &headers).await, status, "{headers:?}");
        }
    }
}

#[test]
fn what_no_browser_sends_is_no_origin() {
    for origin in [
        "",
        "null",
        "*",
        "https://*.shop.example",
        "shop.example",
        "https://",
        "://shop.example",
        "https://shop.example/",
        "https://shop.example/path",
        "https://shop.example?a",
        "https://Shop.example",
        "https://shop.example:443",
        "http://shop.example:80",
        "https://shop.example:",
        "https://shop.example:http",
        "https://shop.example:08443",
        "https://shop.example:65536",
        "https://:8443",
        "https://a@shop.example",
        "https://a b",
        "https://a, https://b",
        "HTTPS://shop.example",
        "https://b\u{fc}cher.example",
    ] {
        let error = CsrfLayer::new().trust(origin).unwrap_err();
        assert!(
            error.to_string().contains("https://shop.example"),
            "{origin}"
        );
    }
    for origin in [
        "https://shop.example",
        "http://localhost:3000",
        "https://[::1]:8443",
        "https://[::1]",
        "app://shop",
    ] {
        assert!(CsrfLayer::new().trust(origin).is_ok(), "{origin}");
    }
}

#[tokio::test]
async fn what_changes_nothing_is_not_asked() {
    let site = Site::new();
    let guarded = Guarded::new(&site);
    let user = guarded.user(7).await;
    let foreign = [
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://evil.example"),
    ];
    for (method, expected) in [
        (Method::GET, StatusCode::OK),
        (Method::HEAD, StatusCode::OK),
        (Method::OPTIONS, StatusCode::METHOD_NOT_ALLOWED),
        (Method::TRACE, StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let reply = guarded
            .send(&user, method.clone(), "/page", &foreign, "")
            .await;
        assert_eq!(reply.status, expected, "{method}");
    }
    for method in [
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
        Method::POST,
        Method::CONNECT,
        Method::from_bytes(b"QUERY").unwrap(),
    ] {
        let reply = guarded
            .send(&user, method.clone(), "/echo", &foreign, "")
            .await;
        assert_eq!(reply.status, NO, "{method}");
    }
}

/// The layer uses the method of the request, not one in a header or a form field.
#[tokio::test]
async fn a_method_that_is_overridden_is_not_believed() {
    let site = Site::new();
    let guarded = Guarded::new(&site);
    let user = guarded.user(7).await;
    for name in [
        "x-http-method-override",
        "x-http-method",
        "x-method-override",
    ] {
        let headers = [("sec-fetch-site", "cross-site"), (name, "GET")];
        assert_eq!(guarded.post(&user, &headers).await, NO, "{name}");
    }
    let foreign = [("sec-fetch-site", "cross-site"), FORM];
    let reply = guarded
        .send(
            &user,
            Method::POST,
            "/echo?_method=GET",
            &foreign,
            "_method=GET",
        )
        .await;
    assert_eq!(reply.status, NO);
}

/// Sibling hosts have no preflight and are same-site: a WebSocket is protected by its `Origin` alone.
#[tokio::test]
async fn a_websocket_of_another_site_is_refused() {
    let site = Site::new();
    let guarded = Guarded::new(&site);
    let user = guarded.user(7).await;
    let handshake = async |headers: &[(&str, &str)]| {
        let mut all = vec![("connection", "Upgrade"), ("upgrade", "WebSocket")];
        all.extend_from_slice(headers);
        guarded
            .send(&user, Method::GET, "/page", &all, "")
            .await
            .status
    };
    assert_eq!(handshake(&[("origin", HTTPS)]).await, OK);
    assert_eq!(
        handshake(&[("origin", "https://forum.shop.example")]).await,
        NO
    );
    assert_eq!(handshake(&[("origin", "null")]).await, NO);
    assert_eq!(
        handshake(&[("sec-fetch-site", "same-site"), ("origin", HTTPS)]).await,
        NO
    );
    assert_eq!(handshake(&[]).await, OK, "browsers always name the origin");
}

/// RFC 8441: over HTTP/2, a handshake has another method and no `Upgrade`.
#[tokio::test]
async fn a_websocket_over_http_2_is_like_one_over_http_1() {
    let site = Site::new();
    let guarded = Guarded::new(&site);
    let user = guarded.user(7).await;
    let forum = [("origin", "https://forum.shop.example")];
    for (headers, status) in [
        (&[("origin", HTTPS)][..], OK),
        (&forum, NO),
        (&[("origin", "null")], NO),
        (&[], OK),
    ] {
        let reply = guarded
            .send(&user, Method::CONNECT, "/page", headers, "")
            .await;
        assert_eq!(reply.status, status, "{headers:?}");
    }
}

/// RFC 9110, section 7.8: protocols are a list, with versions, on one line or several.
#[tokio::test]
async fn a_handshake_is_one_however_it_is_spelled() {
    let site = Site::new();
    let guarded = Guarded::new(&site);
    let user = guarded.user(7).await;
    for (upgrade, status) in [
        (&["websocket/13"][..], NO),
        (&["h2c, WebSocket / 13"], NO),
        (&["h2c", "websocket"], NO),
        (&["h2c", "websockets"], OK),
    ] {
        let mut headers = vec![("origin", "https://forum.shop.example")];
        headers.extend(upgrade.iter().map(|line| ("upgrade", *line)));
        let reply = guarded
            .send(&user, Method::GET, "/page", &headers, "")
            .await;
        assert_eq!(reply.status, status, "{upgrade:?}");
    }
}

/// The message is for users; in a development build, it is for the client's author. The session is neither loaded nor
/// touched.
#[tokio::test]
async fn a_refusal_costs_no_look_at_the_session() {
    use starsessions::csrf::CsrfRejection;
    use starsessions_tests::spy::Calls;
    let site = Site::new();
    let guarded = Guarded::new(&site);
    let user = guarded.user(7).await;
    assert!(site.store.take_calls().writes() > 0);
    let foreign = [("sec-fetch-site", "cross-site")];
    let reply = guarded
        .send(&user, Method::POST, "/login/8", &foreign, "")
        .await;
    assert_eq!(reply.status, NO);
    let sentence = if cfg!(debug_assertions) {
        "another site has caused this request; if it may, name its origin with `CsrfLayer::trust`\n"
    } else {
        CsrfRejection::Foreign.message()
    };
    assert_eq!(reply.body, sentence);
    assert!(reply.all("vary").is_empty() && reply.all("cache-control").is_empty());
    let own = [("sec-fetch-site", "same-origin")];
    assert_eq!(guarded.post(&user, &own).await, OK);
    assert_eq!(site.store.take_calls(), Calls::NONE);
}
