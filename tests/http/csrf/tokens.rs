//! Tokens, for clients that do not state their origin.

use std::collections::HashSet;
use std::time::Duration;

use starsessions::MemoryStore;
use starsessions_tests::site::Kept;
use starsessions_tests::spy::{Calls, Moment, Operation, Spy};

use super::*;

const OK: StatusCode = StatusCode::OK;
const NO: StatusCode = StatusCode::FORBIDDEN;

#[tokio::test]
async fn a_token_of_the_session_passes_in_a_header_and_in_a_form() {
    for kept in Kept::ANYWHERE {
        let site = Site::kept(kept);
        let guarded = Guarded::new(&site);
        let mut user = guarded.user(7).await;
        let mut seen = HashSet::new();
        for _ in 0..50 {
            let token = user.get("/page").await.body;
            assert_eq!(guarded.post_token(&user, &token).await, OK, "{kept:?}");
            let form = format!("amount=3&csrf_token={token}&note=a%20b");
            assert_eq!(guarded.submit(&user, &form).await, OK, "{kept:?}");
            assert!(seen.insert(token), "a new text each time");
        }
    }
}

#[tokio::test]
async fn without_a_token_and_without_an_origin_nothing_passes() {
    let site = Site::new();
    let guarded = Guarded::new(&site);
    let mut user = guarded.user(7).await;
    let token = user.get("/page").await.body;
    assert_eq!(guarded.post(&user, &[]).await, NO);
    assert_eq!(guarded.post(&user, &[("origin", "null")]).await, NO);
    assert_eq!(guarded.submit(&user, "amount=3").await, NO);
    assert_eq!(guarded.submit(&user, "").await, NO);
    assert_eq!(
        guarded.submit(&user, &format!("xcsrf_token={token}")).await,
        NO
    );
    assert_eq!(
        guarded.submit(&user, &format!("csrf_tokens={token}")).await,
        NO
    );
    let form = format!("csrf_token={token}");
    for media_type in [
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/json",
    ] {
        let headers = [("content-type", media_type)];
        let reply = guarded
            .send(&user, Method::POST, "/echo", &headers, &form)
            .await;
        assert_eq!(reply.status, NO, "{media_type}");
    }
    let charset = [(
        "content-type",
        "Application/X-WWW-Form-Urlencoded; charset=utf-8",
    )];
    let reply = guarded
        .send(&user, Method::POST, "/echo", &charset, &form)
        .await;
    assert_eq!(reply.status, OK);
    // The query is not searched for a token: a URL ends up in logs and in `Referer`.
    let query = format!("/echo?csrf_token={token}");
    assert_eq!(
        guarded
            .send(&user, Method::POST, &query, &[], "")
            .await
            .status,
        NO
    );
}

#[tokio::test]
async fn a_form_that_is_too_long_is_not_read() {
    let site = Site::new();
    let guarded = Guarded::new(&site);
    let mut user = guarded.user(7).await;
    let token = user.get("/page").await.body;
    let long = format!("note={}&csrf_token={token}", "x".repeat(3 << 20));
    assert_eq!(guarded.submit(&user, &long).await, NO);
}

/// An application that streams uploads to disk has disabled the limit, but the CSRF layer must not buffer them in
/// memory.
#[tokio::test]
async fn a_form_without_a_limit_is_read_up_to_ours() {
    let site = Site::new();
    let mut guarded = Guarded::new(&site);
    let mut user = guarded.user(7).await;
    let token = user.get("/page").await.body;
    guarded.app = routes()
        .layer(CsrfLayer::new())
        .layer(axum::extract::DefaultBodyLimit::disable())
        .layer(site.sessions.layer());
    for (megabytes, status) in [(3, OK), (17, NO)] {
        let note = "x".repeat(megabytes << 20);
        let form = format!("note={note}&csrf_token={token}");
        assert_eq!(guarded.submit(&user, &form).await, status, "{megabytes}");
    }
}

/// A guest has no session, so no form of a guest can contain a valid token.
#[tokio::test]
async fn the_form_of_a_guest_is_not_read() {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    let site = Site::new();
    let guarded = Guarded::new(&site);
    let was_read = Arc::new(AtomicBool::new(false));
    let read = Arc::clone(&was_read);
    let body = Body::from_stream(futures_util::stream::once(async move {
        read.store(true, Ordering::Relaxed);
        Ok::<_, std::io::Error>("csrf_token=x")
    }));
    let request = Request::post("/echo").header("host", HOST);
    let request = request.header(FORM.0, FORM.1).body(body).unwrap();
    assert_eq!(exchange(guarded.app.clone(), request).await.status, NO);
    assert!(!was_read.load(Ordering::Relaxed));
}

#[tokio::test]
async fn a_token_of_another_session_is_refused() {
    for kept in Kept::ANYWHERE {
        let site = Site::kept(kept);
        let guarded = Guarded::new(&site);
        let (user, mut attacker) = (guarded.user(7).await, guarded.user(7).await);
        let token = attacker.get("/page").await.body;
        assert_eq!(guarded.post_token(&user, &token).await, NO, "{kept:?}");
        assert_eq!(guarded.post_token(&attacker, &token).await, OK, "{kept:?}");
    }
}

/// Knowledge of the guest's session does not help against the user's session.
#[tokio::test]
async fn a_token_from_before_the_sign_in_is_refused_and_one_from_after_passes() {
    for kept in Kept::ANYWHERE {
        let site = Site::kept(kept);
        let guarded = Guarded::new(&site);
        let mut visitor = guarded.visitor.clone();
        visitor.post("/cart/tea").await;
        let before = visitor.get("/page").await.body;
        assert_eq!(guarded.post_token(&visitor, &before).await, OK, "{kept:?}");

        visitor.post("/login/7").await;
        let after = visitor.get("/page").await.body;
        assert_eq!(guarded.post_token(&visitor, &before).await, NO, "{kept:?}");
        assert_eq!(guarded.post_token(&visitor, &after).await, OK, "{kept:?}");

        visitor.post("/login/8").await;
        assert_eq!(
            guarded.post_token(&visitor, &after).await,
            NO,
            "{kept:?}: another user"
        );
    }
}

#[tokio::test]
async fn a_token_ends_with_its_session() {
    let site = Site::new();
    let guarded = Guarded::new(&site);
    let mut user = guarded.user(7).await;
    let token = user.get("/page").await.body;
    let before = user.clone();
    user.post("/forget").await;
    assert_eq!(guarded.post_token(&before, &token).await, NO);
    assert_eq!(guarded.post_token(&user, &token).await, NO);
}

#[tokio::test]
async fn a_guest_has_no_token_no_row_and_no_cookie_and_signs_in_by_where_he_comes_from() {
    for kept in Kept::ANYWHERE {
        let site = Site::kept(kept);
        let guarded = Guarded::new(&site);
        let mut guest = guarded.visitor.clone();
        for _ in 0..100 {
            let reply = guest.get("/page").await;
            assert_eq!((reply.status, reply.body.as_str()), (OK, ""), "{kept:?}");
            assert!(!reply.sets_cookie(), "{kept:?}");
            assert_eq!(
                reply.all("vary"),
                ["Cookie"],
                "a user's page is another one"
            );
        }
        assert_eq!(site.store.take_calls(), Calls::NONE, "{kept:?}");
        for token in ["", "null", "undefined"] {
            assert_eq!(guarded.post_token(&guest, token).await, NO, "{kept:?}");
            let form = format!("csrf_token={token}");
            assert_eq!(guarded.submit(&guest, &form).await, NO, "{kept:?}");
        }
        // Login CSRF: the attacker's own token and credentials, sent from the attacker's page.
        let mut attacker = guarded.user(6).await;
        let token = attacker.get("/page").await.body;
        let headers = [("x-csrf-token", token.as_str())];
        let reply = guarded
            .send(&guest, Method::POST, "/login/6", &headers, "")
            .await;
        assert_eq!(reply.status, NO, "{kept:?}");
        assert!(!reply.sets_cookie(), "{kept:?}");
        let own = [("origin", "https://shop.example")];
        let reply = guarded
            .send(&guest, Method::POST, "/login/7", &own, "")
            .await;
        assert!(reply.sets_cookie(), "{kept:?}");
    }
}

#[tokio::test]
async fn no_bit_of_a_token_may_change() {
    let site = Site::new();
    let guarded = Guarded::new(&site);
    let mut user = guarded.user(7).await;
    let token = user.get("/page").await.body;
    for place in 0..token.len() {
        for bit in 0..7 {
            let mut changed = token.clone().into_bytes();
            changed[place] ^= 1 << bit;
            let Ok(changed) = http::HeaderValue::from_bytes(&changed) else {
                continue;
            };
            let Ok(changed) = changed.to_str() else {
                continue;
            };
            assert_eq!(
                guarded.post_token(&user, changed).await,
                NO,
                "{place}.{bit}"
            );
        }
    }
    for end in 0..token.len() {
        assert_eq!(
            guarded.post_token(&user, &token[..end]).await,
            NO,
            "{end} characters"
        );
    }
    for changed in [
        format!("{token}="),
        format!("{token}A"),
        format!("{token}AAAA"),
    ] {
        assert_eq!(guarded.post_token(&user, &changed).await, NO, "{changed}");
    }
    let cookie = user.cookies().unwrap();
    let (_, cookie) = cookie.split_once('=').unwrap();
    assert_eq!(
        guarded.post_token(&user, cookie).await,
        NO,
        "the cookie is no token"
    );
    let as_cookie = user.showing(format!("__Host-Http-id={token}"));
    assert_eq!(
        as_cookie.clone().get("/me").await.body,
        "guest",
        "nor the token a cookie"
    );
}

/// The response that renews the id contains a token for the new id.
#[tokio::test]
async fn a_page_on_which_the_id_is_renewed_has_a_token_of_the_new_id() {
    use std::time::Duration;
    let site = Site::with(|layer| layer.renewal(Duration::from_secs(600)));
    let guarded = Guarded::new(&site);
    let mut user = guarded.user(7).await;
    let old = user.cookies();
    site.wait_seconds(600);
    let reply = user.get("/page").await;
    assert_ne!(user.cookies(), old, "the id is renewed");
    assert_eq!(reply.set_cookies().len(), 1);
    assert_eq!(guarded.post_token(&user, &reply.body).await, OK);
    assert_eq!(user.get("/me").await.body, "7");
}

/// If the renewal stopped half-way, a store that cannot change two keys at once would keep the session between them.
#[tokio::test]
async fn a_renewal_for_a_token_that_is_given_up_half_way_is_finished() {
    let store = Spy::new(MemoryStore::new()).sealed().by_parts();
    let site = Site::over(store, Kept::OnServer, |layer| {
        layer.renewal(Duration::from_secs(600))
    });
    let mut user = Guarded::new(&site).user(7).await;
    site.wait_seconds(600);
    let has_reserved = (Operation::Insert, Moment::After, 0);
    let page = user.ask(Method::GET, "/page");
    let page = site.store.stop_at(has_reserved, page).await;
    let (gate, page) = page.expect("it renews the id");
    page.abort();
    assert!(page.await.is_err());
    gate.open();
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!((site.rows(), site.reserved()), (1, 0));
    assert_eq!(user.get("/me").await.body, "7");
}

/// A long-running body cannot send a new cookie, because the response head has left.
#[tokio::test]
async fn a_page_whose_head_has_left_renews_no_id() {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;
    let site = Site::with(|layer| layer.renewal(Duration::from_secs(600)));
    let body = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&body);
    let stream = move |all: CurrentSession| async move {
        all.info().await?;
        *keep.lock().unwrap() = Some(all);
        Ok::<_, SessionError>(())
    };
    let mut user = site.serve(routes().route("/stream", get(stream)));
    user.post("/login/7").await;
    user.get("/stream").await;
    site.wait_seconds(600);
    let session = body.lock().unwrap().take().unwrap();
    let token = session.csrf_token().await.unwrap().to_string();
    site.wait_seconds(60);
    let guarded = Guarded::new(&site);
    assert_eq!(guarded.post_token(&user, &token).await, OK);
    assert_eq!(user.get("/me").await.body, "7");
}

/// A renewal must not make the view's earlier read look like the read of another request.
#[tokio::test]
async fn a_token_for_which_the_id_is_renewed_conflicts_with_no_change() {
    use std::time::Duration;
    let site = Site::with(|layer| layer.renewal(Duration::from_secs(600)));
    let pay = |mut order: starsessions::Session<Order>, all: CurrentSession| async move {
        order.sum += 1;
        let token = order.token.take().unwrap_or_default();
        let csrf = all.csrf_token().await?;
        order.commit().await?;
        order.sum += 1;
        Ok::<_, SessionError>(format!("{token} {csrf}"))
    };
    let issue = |mut order: starsessions::Session<Order>| async move {
        order.token = Some(7);
    };
    let routes = routes()
        .route("/pay", post(pay))
        .route("/issue", post(issue))
        .route(
            "/sum",
            get(async |order: starsessions::Session<Order>| order.sum.to_string()),
        );
    let mut client = site.serve(routes);
    client.post("/issue").await;
    site.wait_seconds(600);
    let former = client.cookies();
    let reply = client.post("/pay").await;
    assert_eq!(reply.status, OK, "{}", reply.body);
    assert!(reply.body.starts_with("7 "), "{}", reply.body);
    assert_eq!(reply.set_cookies().len(), 1);
    assert_ne!(client.cookies(), former);
    assert_eq!(client.get("/sum").await.body, "2");
}

#[derive(starsessions::Session)]
struct Order {
    #[session(merge = sum)]
    sum: u32,
    #[session(exclusive)]
    token: Option<u32>,
}

#[tokio::test]
async fn a_store_that_fails_lets_nothing_through() {
    let site = Site::with(|layer| {
        layer.on_store_failure(starsessions::config::FailurePolicy::ReadOnlyGuest)
    });
    let guarded = Guarded::new(&site);
    let mut user = guarded.user(7).await;
    let token = user.get("/page").await.body;
    site.store.fail_all();
    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
    let headers = [("x-csrf-token", token.as_str())];
    let reply = guarded
        .send(&user, Method::POST, "/echo", &headers, "")
        .await;
    assert_eq!(reply.status, unavailable);
    let own = [("sec-fetch-site", "same-origin")];
    assert_eq!(guarded.post(&user, &own).await, OK, "needs no session");
}

#[tokio::test]
async fn a_route_without_sessions_says_so() {
    let logs = starsessions_tests::logs::Logs::capture();
    let app = Router::new()
        .route("/echo", post(echo))
        .layer(CsrfLayer::new());
    let reply = exchange(app, Request::post("/echo").body(Body::empty()).unwrap()).await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(
        logs.with(&["ERROR", "/echo", "CsrfLayer", "SessionLayer"])
            .len(),
        1
    );
}

/// A tool that fails is found by its route.
#[tokio::test]
async fn each_refusal_is_logged_with_its_route() {
    let site = Site::new();
    let guarded = Guarded::new(&site);
    let user = guarded.user(7).await;
    let refused: [&[(&str, &str)]; 3] = [
        &[],
        &[("x-csrf-token", "made-up")],
        &[("sec-fetch-site", "cross-site")],
    ];
    for headers in refused {
        let logs = starsessions_tests::logs::Logs::capture();
        assert_eq!(guarded.post(&user, headers).await, NO);
        let lines = logs.with(&["DEBUG", "a request is refused", "method=POST", "/echo"]);
        assert_eq!(lines.len(), 1, "{headers:?}: {}", logs.text());
    }
}

/// Each realm has its own sessions and its own tokens.
struct Realms {
    main: Site,
    admin: Site,
}

impl Realms {
    fn new() -> Self {
        let main = Site::new();
        let admin = Site::with(|layer| {
            layer
                .realm("admin")
                .cookie(|cookie| cookie.name("__Host-admin"))
        });
        Self { main, admin }
    }

    fn guarded(&self, guard: impl FnOnce(Router) -> Router) -> Router {
        let page = async |parts: http::request::Parts| {
            let session = CurrentSession::from_parts_in(&parts, "admin").unwrap();
            session.insert(AdminLogin { user: 1 }).unwrap();
            session.commit().await.unwrap();
            session.csrf_token().await.unwrap().to_string()
        };
        let routes = shop::routes()
            .route("/page", get(self::page))
            .route("/admin/page", get(page))
            .route("/echo", post(echo));
        guard(routes)
            .layer(self.main.sessions.layer())
            .layer(self.admin.sessions.layer())
    }

    /// A user who is signed in to both realms, with a token of each.
    async fn user(&self) -> (Client, String, String) {
        let mut client = Client::new(&self.guarded(|app| app));
        client.post("/login/7").await;
        let token = client.get("/page").await.body;
        let of_admin = client.get("/admin/page").await.body;
        (client, token, of_admin)
    }
}

#[tokio::test]
async fn a_token_of_another_realm_is_refused() {
    let realms = Realms::new();
    let (client, token, of_admin) = realms.user().await;
    for (guard, good, bad) in [
        (CsrfLayer::new(), &token, &of_admin),
        (CsrfLayer::new().realm("admin"), &of_admin, &token),
    ] {
        let client = client.at(&Client::new(&realms.guarded(|app| app.layer(guard))));
        for (token, status) in [(good, OK), (bad, NO)] {
            let headers = [("x-csrf-token", token.as_str())];
            let reply = client.ask_with(Method::POST, "/echo", &headers).await;
            assert_eq!(reply.status, status);
        }
    }
}

/// A request may send a few tokens; each layer looks for its own.
#[tokio::test]
async fn a_request_through_the_layers_of_two_realms_brings_a_token_for_each() {
    let realms = Realms::new();
    let (client, token, of_admin) = realms.user().await;
    let app = realms.guarded(|app| {
        app.layer(CsrfLayer::new().realm("admin"))
            .layer(CsrfLayer::new())
    });
    let client = client.at(&Client::new(&app));
    let header = async |lines: &[&str]| {
        let headers: Vec<_> = lines.iter().map(|line| ("x-csrf-token", *line)).collect();
        let reply = client.ask_with(Method::POST, "/echo", &headers).await;
        reply.status
    };
    let list = format!("{token}, {of_admin}");
    assert_eq!(header(&[&token, &of_admin]).await, OK);
    assert_eq!(header(&[&list]).await, OK);
    assert_eq!(header(&[&token]).await, NO);
    assert_eq!(header(&[&token, &token]).await, NO);
    assert_eq!(header(&["a", "b", "c", &list]).await, NO, "four are tried");

    let form = async |form: String| {
        let cookies = client.cookies().unwrap();
        let request = Request::post("/echo").header(COOKIE, cookies);
        let request = request.header(FORM.0, FORM.1).body(Body::from(form));
        exchange(app.clone(), request.unwrap()).await.status
    };
    assert_eq!(
        form(format!("csrf_token={token}&csrf_token={of_admin}")).await,
        OK
    );
    assert_eq!(form(format!("csrf_token={of_admin}")).await, NO);
}

#[derive(starsessions::Session)]
#[session(realm = "admin")]
struct AdminLogin {
    #[session(required, rotate)]
    user: u64,
}

/// A token from a multipart form, which the handler checks by itself.
#[tokio::test]
async fn a_handler_checks_a_token_by_itself() {
    use axum::Json;
    use starsessions::csrf::CsrfRejection;
    use starsessions::csrf::CsrfToken;

    let checked =
        async |all: CurrentSession, Json(token): Json<CsrfToken>| -> Result<(), CsrfRejection> {
            assert_eq!(format!("{token:?}"), "CsrfToken(..)");
            all.check_csrf(&token).await
        };
    let site = Site::new();
    let app = routes().route("/checked", post(checked));
    let mut user = site.serve(app.clone());
    let app = app.layer(site.sessions.layer());
    user.post("/login/7").await;
    let token = user.get("/page").await.body;
    let send = async |cookies: Option<String>, token: &str| {
        let mut request = Request::post("/checked").header("content-type", "application/json");
        if let Some(cookies) = cookies {
            request = request.header(COOKIE, cookies);
        }
        let body = Body::from(format!("\"{token}\""));
        exchange(app.clone(), request.body(body).unwrap())
            .await
            .status
    };
    assert_eq!(send(user.cookies(), &token).await, OK);
    assert_eq!(send(user.cookies(), "").await, NO);
    assert_eq!(send(None, &token).await, NO);
    assert_eq!(send(None, "").await, NO);
}
