//! A request without a proof gets neither the session nor a guest's view.

use starsessions::config::{Proven, Unbound};
use starsessions_tests::device::{Bound, Device, invitation};

use super::*;

#[tokio::test]
async fn both_cookies_are_needed_from_the_right_session() {
    let site = site();
    let (mut client, _) = signed_in(&site).await;
    let (other, _) = signed_in(&site).await;
    for path in ["/account", "/vault", "/cart", "/bound"] {
        assert_eq!(client.get(path).await.status, StatusCode::OK, "{path}");
        let stolen = thief(&client, SESSION).get(path).await;
        assert_eq!(stolen.status, StatusCode::FORBIDDEN, "{path}");
        assert!(!stolen.sets_cookie(), "{path}");
        let (session, short) = (one(&client, SESSION), one(&other, SHORT));
        let mixed = client
            .showing(format!("{session}; {short}"))
            .get(path)
            .await;
        assert_eq!(mixed.status, StatusCode::FORBIDDEN, "{path}");
    }
    let alone = thief(&client, SHORT).get("/account").await;
    alone.leads_to("/login");
    assert_eq!(
        client.get("/").await.status,
        StatusCode::OK,
        "without a session"
    );
}

fn one(client: &Client, name: &str) -> String {
    let cookies = client.cookies().unwrap();
    cookies
        .split("; ")
        .find(|it| it.starts_with(name))
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn copies_of_both_cookies_are_worth_it_for_one_life_of_the_short_one() {
    let site = site();
    let (mut client, mut bound) = signed_in(&site).await;
    let mut thief = client.showing(client.cookies().unwrap());
    assert_eq!(thief.get("/vault").await.status, StatusCode::OK);
    pass(&site, &mut client, 589);
    assert_eq!(thief.get("/vault").await.status, StatusCode::OK);
    assert_eq!(client.refresh(&mut bound).await.status, StatusCode::OK);
    pass(&site, &mut client, 1);
    for path in ["/vault", "/account", "/cart"] {
        assert_eq!(
            thief.get(path).await.status,
            StatusCode::FORBIDDEN,
            "{path}"
        );
        assert_eq!(client.get(path).await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_reload_after_the_proof_has_run_out_is_rejected_as_the_argument_is() {
    let site = site();
    let (mut client, mut bound) = signed_in(&site).await;
    let clock = site.clock().clone();
    let stay = async move |mut login: Session<Login>| {
        clock.advance(std::time::Duration::from_secs(600));
        match login.reload().await {
            Err(SessionRejection::Unproven(demand)) => format!("{:?}", demand.why()),
            other => format!("{other:?}"),
        }
    };
    client.refresh(&mut bound).await;
    let mut client = client.at(&site.serve(routes().route("/stay", get(stay))));
    assert_eq!(client.get("/stay").await.body, "Pending");
}

#[tokio::test]
async fn a_short_cookie_of_an_earlier_binding_is_worth_nothing() {
    let site = site();
    let mut client = site.serve(routes());
    let begun = client.post("/cart").await;
    client.bind(&Device::new(1), &begun).await;
    let former = one(&client, SHORT);
    let invited = client.post("/login").await;
    assert_eq!(
        client.get("/vault").await.status,
        StatusCode::OK,
        "not bound yet"
    );
    client.bind(&Device::new(1), &invited).await;
    pass(&site, &mut client, 10);
    assert_eq!(client.get("/vault").await.status, StatusCode::OK);
    let session = one(&client, SESSION);
    let mixed = client
        .showing(format!("{session}; {former}"))
        .get("/vault")
        .await;
    assert_eq!(mixed.status, StatusCode::FORBIDDEN);
    let tossed = format!("{session}; {former}; {}", one(&client, SHORT));
    assert_eq!(
        client.showing(tossed).get("/vault").await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_thief_writes_nothing_and_gets_no_other_id() {
    let site = site();
    let (mut client, _) = signed_in(&site).await;
    client.post("/cart").await;
    for path in ["/cart", "/others"] {
        let stolen = thief(&client, SESSION).post(path).await;
        assert_eq!(stolen.status, StatusCode::FORBIDDEN, "{path}");
        assert!(!stolen.sets_cookie(), "{path}");
    }
    assert_eq!(client.get("/cart").await.body, "tea");
    let mut rotating = site.serve(
        routes()
            .route("/rotate", post(rotate))
            .route("/remember", post(remember))
            .route("/blind", post(blind)),
    );
    for path in ["/rotate", "/remember", "/blind"] {
        rotating = client.at(&rotating);
        let stolen = thief(&rotating, SESSION).post(path).await;
        assert_eq!(stolen.status, StatusCode::FORBIDDEN, "{path}: {stolen:?}");
        assert!(!stolen.sets_cookie(), "{path}");
    }
    assert_eq!(client.get("/account").await.body, "user 7");
}

async fn rotate(session: CurrentSession) -> Result<(), SessionError> {
    session.rotate()
}

async fn remember(session: CurrentSession) -> Result<(), SessionError> {
    session.remember(true)
}

/// Ends the session if the request may not give it another id.
async fn rotate_or_end(session: CurrentSession) -> Result<(), SessionError> {
    session.rotate()?;
    match session.commit().await {
        Err(SessionError::Unproven(_)) => session.destroy(),
        done => done,
    }
}

async fn farewell(session: CurrentSession) -> Result<(), SessionError> {
    session.destroy()?;
    session.insert(Cart { items: Vec::new() })
}

async fn blind(session: CurrentSession) -> Result<(), SessionError> {
    session.insert(Cart { items: Vec::new() })
}

#[tokio::test]
async fn a_user_without_the_proof_can_sign_in_anew_and_sign_out() {
    let site = site();
    let (mut client, _) = signed_in(&site).await;
    client.post("/cart").await;
    let mut lost = thief(&client, SESSION);
    let reply = lost.post("/login").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert!(reply.sets_cookie());
    let mut anew = site.serve(routes());
    anew.keep(&reply);
    assert_eq!(anew.get("/account").await.body, "user 7");
    assert_eq!(
        anew.get("/cart").await.body,
        "",
        "nothing of the other session"
    );
    assert_eq!(client.get("/account").await.body, "user 7", "which goes on");
    let reply = lost.post("/logout").await;
    assert_eq!(reply.status, StatusCode::OK);
    client.get("/account").await.leads_to("/login");

    let routes = routes()
        .route("/rotate-or-end", post(rotate_or_end))
        .route("/farewell", post(farewell));
    for proven in [Proven::Everywhere, Proven::InBoundViews] {
        for path in ["/rotate-or-end", "/farewell"] {
            let site = with(|device| device.proven(proven));
            let (client, _) = signed_in(&site).await;
            let mut client = client.at(&site.serve(routes.clone()));
            let reply = thief(&client, SESSION).post(path).await;
            assert_eq!(reply.status, StatusCode::OK, "{path} {proven:?}");
            client.get("/account").await.leads_to("/login");
        }
    }
}

/// A binding ends with the id of its session.
#[tokio::test]
async fn a_session_that_begins_anew_is_to_be_bound_anew() {
    async fn anew(session: CurrentSession) -> Result<(), SessionError> {
        session.destroy()?;
        session.insert(Login { user: 8 })
    }
    let site = site();
    let (client, _) = signed_in(&site).await;
    let mut client = client.at(&site.serve(routes().route("/anew", post(anew))));
    assert!(invitation(&client.post("/anew").await).is_some());
}

#[tokio::test]
async fn a_page_that_another_site_links_to_loads_itself_again() {
    let site = site();
    let (mut client, mut bound) = signed_in(&site).await;
    pass(&site, &mut client, 590);
    for path in ["/vault", "/account", "/cart", "/bound"] {
        for from in ["cross-site", "same-site"] {
            let reply = navigate(&mut client, path, from).await;
            assert_eq!(reply.status, StatusCode::FORBIDDEN, "{path}");
            assert_eq!(reply.headers["refresh"], "0", "{path}");
            assert!(
                !reply.body.is_empty(),
                "{path}: browsers show their own page for none"
            );
            assert_eq!(
                reply.headers["cache-control"], "private, no-store",
                "{path}"
            );
            assert!(!reply.sets_cookie(), "{path}");
        }
    }
    client.refresh(&mut bound).await;
    let reply = navigate(&mut client, "/vault", "same-origin").await;
    assert_eq!(reply.body, "vault of 7");
    assert!(!reply.headers.contains_key("refresh"));
}

#[tokio::test]
async fn a_short_cookie_that_has_run_out_here_alone_is_removed() {
    let site = site();
    let (client, _) = signed_in(&site).await;
    site.wait_seconds(600);
    for path in ["/vault", "/account", "/cart"] {
        let reply = navigate(&mut client.clone(), path, "same-origin").await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(reply.headers["refresh"], "0", "{path}");
        assert_eq!(
            reply.headers["cache-control"], "private, no-store",
            "{path}"
        );
        let [line] = reply.set_cookies()[..] else {
            panic!("{reply:?}");
        };
        assert!(line.starts_with("__Host-bound=;"), "{line}");
    }
    let script = client.ask_with(Method::GET, "/account", &[]).await;
    assert!(script.sets_cookie() && !script.headers.contains_key("refresh"));

    let site = with(|device| device.proven(Proven::InBoundViews));
    let (client, _) = signed_in(&site).await;
    site.wait_seconds(600);
    let reply = client.ask(Method::GET, "/account").await;
    assert!(reply.sets_cookie() && reply.status == StatusCode::OK);
    assert_eq!(reply.headers["cache-control"], "private, no-store");
}

#[tokio::test]
async fn a_browser_that_could_not_refresh_loses_nothing() {
    let site = site();
    let (mut client, _) = signed_in(&site).await;
    pass(&site, &mut client, 590);
    for skipped in ["quota_exceeded", "server_error", "unreachable"] {
        let skipped = format!("{skipped};session_identifier=\"SID\"");
        let headers = [
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
            ("sec-fetch-site", "same-origin"),
            ("secure-session-skipped", &*skipped),
        ];
        let reply = client.ask_with(Method::GET, "/account", &headers).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN);
        assert!(!reply.sets_cookie() && !reply.headers.contains_key("refresh"));
    }
    // A frame and a prefetched page.
    for (mode, dest) in [("navigate", "iframe"), ("no-cors", "document")] {
        let headers = [
            ("sec-fetch-mode", mode),
            ("sec-fetch-dest", dest),
            ("sec-fetch-site", "same-origin"),
        ];
        let reply = client.ask_with(Method::GET, "/account", &headers).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{mode} {dest}");
        assert!(!reply.sets_cookie(), "{mode} {dest}");
    }
    for from in ["same-origin", "cross-site"] {
        let headers = [
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-dest", "document"),
            ("sec-fetch-site", from),
        ];
        let form = client.ask_with(Method::POST, "/cart", &headers).await;
        assert_eq!(form.status, StatusCode::FORBIDDEN, "{from}");
        assert!(!form.sets_cookie() && !form.headers.contains_key("refresh"));
    }
}

/// Browsers do not refresh below an excluded path, so a missing proof says nothing about the device.
#[tokio::test]
async fn a_page_below_an_excluded_path_signs_nobody_out() {
    let site = with(|device| device.exclude("/cart"));
    let (mut client, _) = signed_in(&site).await;
    pass(&site, &mut client, 590);
    for from in ["same-origin", "cross-site"] {
        let reply = navigate(&mut client, "/cart", from).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{from}");
        assert!(!reply.sets_cookie() && !reply.headers.contains_key("refresh"));
    }
}

/// Chromium compares whole segments (`SessionInclusionRules::UrlRule::MatchesHostAndPath`), so it refreshes on such a
/// path.
#[tokio::test]
async fn a_page_whose_path_begins_like_an_excluded_one_is_not_below_it() {
    for (excluded, leads_to) in [
        ("/acc", Some("/login")),
        ("/account/", Some("/login")),
        ("/account", None),
        ("/", None),
    ] {
        let site = with(|device| device.exclude(excluded));
        let (mut client, _) = signed_in(&site).await;
        pass(&site, &mut client, 590);
        let reply = navigate(&mut client, "/account", "same-origin").await;
        assert_eq!(reply.location(), leads_to, "{excluded}");
    }
}

#[tokio::test]
async fn a_user_who_has_just_signed_in_anew_is_asked_for_no_proof_of_the_former_session() {
    async fn anew(session: CurrentSession) -> Result<String, SessionError> {
        session.insert(Login { user: 8 })?;
        session.commit().await?;
        let vault = session.get::<Vault>().await?;
        Ok(format!("{:?}", vault.map(|vault| vault.user)))
    }
    let site = site();
    let (client, _) = signed_in(&site).await;
    let client = client.at(&site.serve(routes().route("/anew", post(anew))));
    let reply = thief(&client, SESSION).post("/anew").await;
    assert_eq!(reply.body, "Some(8)", "{reply:?}");
}

#[tokio::test]
async fn a_browser_that_has_lost_the_key_is_sent_to_sign_in() {
    let site = site();
    let (mut client, _) = signed_in(&site).await;
    pass(&site, &mut client, 590);
    let reply = navigate(&mut client.clone(), "/account", "same-origin").await;
    reply.leads_to("/login");
    assert!(
        reply.set_cookies()[0].starts_with(&format!("{SESSION};")),
        "{reply:?}"
    );
    let reply = navigate(&mut client, "/cart", "none").await;
    assert_eq!(reply.status, StatusCode::FORBIDDEN);
    assert!(!reply.headers.contains_key("refresh"));
    assert_eq!(
        navigate(&mut client, "/cart", "none").await.status,
        StatusCode::OK,
        "as a guest"
    );
    client.post("/login").await;
    assert_eq!(client.get("/account").await.body, "user 7");
}

#[tokio::test]
async fn a_request_on_its_way_while_the_device_registers_goes_on() {
    let site = site();
    let mut client = site.serve(routes());
    let invited = client.post("/login").await;
    let mut early = client.clone();
    client.bind(&Device::new(1), &invited).await;
    assert_eq!(early.get("/account").await.body, "user 7");
    assert_eq!(early.post("/cart").await.status, StatusCode::OK);
    assert_eq!(
        early.get("/vault").await.status,
        StatusCode::FORBIDDEN,
        "it takes no chances"
    );
    let page = navigate(&mut early, "/vault", "same-origin").await;
    assert_eq!(page.headers["refresh"], "1", "{page:?}");
    assert!(!page.sets_cookie());
    let rotating = early.at(&site.serve(routes().route("/rotate", post(rotate))));
    pass(&site, &mut early, 10);
    assert_eq!(early.get("/account").await.status, StatusCode::FORBIDDEN);
    // The id is less than a minute old, so the browser may still be registering its device.
    let page = navigate(&mut early, "/account", "same-origin").await;
    assert_eq!(page.headers["refresh"], "1", "{page:?}");
    assert!(!page.sets_cookie());

    let mut other = site.serve(routes());
    let invited = other.post("/login").await;
    pass(&site, &mut other, 60);
    let mut early = rotating.showing(other.cookies().unwrap());
    other.bind(&Device::new(1), &invited).await;
    let page = navigate(&mut early, "/vault", "same-origin").await;
    assert_eq!(page.headers["refresh"], "1", "{page:?}");
    assert_eq!(early.post("/rotate").await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_write_that_a_registration_overtakes_is_not_lost() {
    let site = site();
    let mut client = site.serve(routes());
    let invited = client.post("/login").await;
    let gate = site.store.hold(
        starsessions_tests::spy::Operation::Replace,
        starsessions_tests::spy::Moment::Before,
    );
    let (mut writing, mut registering) = (client.clone(), client.clone());
    let (written, bound) = tokio::join!(writing.post("/cart"), async {
        gate.reached().await;
        site.store.release();
        let bound = registering.bind(&Device::new(1), &invited).await;
        gate.open();
        bound
    });
    assert_eq!(written.status, StatusCode::OK);
    let mut bound: Bound = bound;
    assert_eq!(registering.get("/cart").await.body, "tea");
    assert_eq!(registering.refresh(&mut bound).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_an_unbound_session_is_worth_is_the_layers_decision() {
    for (unbound, status) in [
        (Unbound::Allowed, StatusCode::OK),
        (Unbound::Refused, StatusCode::FORBIDDEN),
    ] {
        let site = with(|device| device.unbound(unbound));
        let mut client = site.serve(routes());
        client.post("/login").await;
        assert_eq!(
            client.get("/vault").await.status,
            StatusCode::OK,
            "it may be registering"
        );
        pass(&site, &mut client, 60);
        assert_eq!(client.get("/vault").await.status, status, "{unbound:?}");
        let page = navigate(&mut client, "/vault", "same-origin").await;
        assert_eq!(page.status, status);
        assert!(!page.sets_cookie() && !page.headers.contains_key("refresh"));
        assert_eq!(
            client.get("/account").await.body,
            "user 7",
            "it is not marked"
        );
        let mut bound = signed_in(&site).await.0;
        assert_eq!(bound.get("/vault").await.status, StatusCode::OK);
        let guest = site.serve(routes()).get("/vault").await;
        assert_eq!(guest.status, StatusCode::UNAUTHORIZED, "a guest is a guest");
    }
}

#[tokio::test]
async fn a_layer_can_ask_in_marked_views_only() {
    let site = with(|device| device.proven(Proven::InBoundViews));
    let (mut client, _) = signed_in(&site).await;
    client.post("/cart").await;
    let mut thief = thief(&client, SESSION);
    assert_eq!(thief.get("/account").await.body, "user 7");
    assert_eq!(thief.get("/vault").await.status, StatusCode::FORBIDDEN);
    assert_eq!(thief.post("/cart").await.status, StatusCode::OK);
    let page = navigate(&mut thief.clone(), "/account", "cross-site").await;
    assert_eq!(page.body, "user 7");
    assert!(!page.headers.contains_key("refresh"), "it is there already");
    site.wait_seconds(60);
    let mut lost = thief.clone();
    let page = navigate(&mut lost, "/account", "same-origin").await;
    assert_eq!((page.body.as_str(), page.sets_cookie()), ("user 7", false));
    let page = navigate(&mut lost, "/vault", "same-origin").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(page.set_cookies()[0].starts_with(&format!("{SESSION};")));
    let rotating = routes().route("/rotate", post(rotate));
    let mut rotating = client.at(&site.serve(rotating));
    let stolen = self::thief(&rotating, SESSION).post("/rotate").await;
    assert_eq!(
        stolen.status,
        StatusCode::FORBIDDEN,
        "an id without its device"
    );
    assert_eq!(rotating.post("/rotate").await.status, StatusCode::OK);
    let reply = thief.post("/login").await;
    assert!(!reply.sets_cookie() || reply.status == StatusCode::OK);
    assert_eq!(client.get("/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn sessions_say_whether_they_are_bound() {
    let site = site();
    let mut client = site.serve(routes());
    let invited = client.post("/login").await;
    assert_eq!(client.get("/bound").await.body, "Some(false) [false]");
    client.bind(&Device::new(1), &invited).await;
    assert_eq!(client.get("/bound").await.body, "Some(true) [true]");
    pass(&site, &mut client, 60);
    let mut unbound = site.serve(routes());
    unbound.post("/login").await;
    assert_eq!(
        unbound.get("/bound").await.body,
        "Some(false) [false, true]"
    );
}

#[tokio::test]
async fn a_view_of_a_bound_session_costs_no_more_of_the_store() {
    let site = site();
    let mut unbound = site.serve(routes());
    unbound.post("/login").await;
    let (mut bound, _) = signed_in(&site).await;
    for path in ["/vault", "/account"] {
        let _ = site.store.take_calls();
        unbound.get(path).await;
        let without = site.store.take_calls();
        bound.get(path).await;
        assert_eq!(site.store.take_calls(), without, "{path}");
    }
}

#[derive(Session)]
#[session(namespace = "login", bound, reject = "/login")]
struct Safe {
    #[session(required, rotate, index)]
    user: u64,
}

#[tokio::test]
async fn a_browser_that_has_lost_its_key_is_led_to_the_login_by_a_marked_view_too() {
    for proven in [Proven::Everywhere, Proven::InBoundViews] {
        let site = with(|device| device.proven(proven));
        let (client, _) = signed_in(&site).await;
        let safe = get(async |safe: Session<Safe>| safe.user.to_string());
        let client = client.at(&site.serve(routes().route("/safe", safe)));
        site.wait_seconds(60);
        let mut lost = thief(&client, SESSION);
        let script = lost.get("/safe").await;
        assert_eq!(script.status, StatusCode::FORBIDDEN);
        assert!(!script.sets_cookie(), "{script:?}");
        let page = navigate(&mut lost, "/safe", "same-origin").await;
        page.leads_to("/login");
        assert!(page.set_cookies()[0].starts_with(&format!("{SESSION};")));
    }
}

#[tokio::test]
async fn a_thief_holds_no_marked_view_beside_the_request() {
    for proven in [Proven::Everywhere, Proven::InBoundViews] {
        let site = with(|device| device.proven(proven));
        let (client, _) = signed_in(&site).await;
        let hold = async |session: CurrentSession| session.detach::<Vault>().await.map(drop);
        let mut client = client.at(&site.serve(routes().route("/hold", post(hold))));
        let stolen = thief(&client, SESSION).post("/hold").await;
        assert_eq!(stolen.status, StatusCode::FORBIDDEN, "{proven:?}");
        assert_eq!(client.post("/hold").await.status, StatusCode::OK);
    }
}
