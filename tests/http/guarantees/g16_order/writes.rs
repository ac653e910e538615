//! Writes that a sign-in or a logout overtakes.

use std::time::Duration;

use super::*;

async fn carried<S: Store + Clone>(site: &Site<S>) {
    for (slow, cart, views) in [("/slow/cart", "tea,milk", "2"), ("/slow/twice", "tea", "3")] {
        for others in [
            &["/views", "/login/7"][..],
            &["/login/7", "/views", "/login/8"],
        ] {
            let gate = Gate::new();
            let mut user = site.serve(routes(&gate));
            user.post("/cart/tea").await;
            let reply = beside(&mut user, &gate, slow, others).await;
            assert_eq!(reply.status, StatusCode::OK, "{slow} {others:?}");
            assert!(!reply.sets_cookie(), "{slow} {others:?}");
            assert_eq!(user.get("/cart").await.body, cart, "{slow} {others:?}");
            assert_eq!(user.get("/views").await.body, views, "{slow} {others:?}");
        }
    }
}

#[tokio::test]
async fn g16_a_request_sees_what_it_has_written_behind_a_sign_in() {
    let gate = Gate::new();
    let mut user = Site::new().serve(routes(&gate));
    user.post("/cart/tea").await;
    let reply = beside(&mut user, &gate, "/slow/view", &["/login/7"]).await;
    assert_eq!(reply.body, "1");
}

/// The id of the late request has ended twice: by the renewal and by the sign-in.
#[tokio::test]
async fn g16_a_write_behind_a_sign_in_tells_no_browser_an_id_that_has_ended() {
    let site = Site::with(|layer| layer.renewal(Duration::from_secs(60)));
    let gate = Gate::new();
    let mut user = site.serve(routes(&gate));
    user.post("/cart/tea").await;
    site.wait_seconds(60);
    let late = user.clone();
    user.get("/cart").await;
    let slow = tokio::spawn(late.ask(Method::POST, "/slow/view"));
    gate.reached().await;
    user.post("/login/7").await;
    gate.open();
    let reply = slow.await.unwrap();
    assert_eq!(reply.status, StatusCode::OK);
    assert!(!reply.sets_cookie());
}

#[tokio::test]
async fn g16_a_commit_behind_a_sign_in_that_a_logout_overtakes_is_told() {
    let site = Site::new();
    let gate = Gate::new();
    let mut user = site.serve(routes(&gate));
    user.post("/cart/tea").await;
    let slow = tokio::spawn(user.ask(Method::POST, "/slow/view"));
    gate.reached().await;
    user.post("/login/7").await;
    let found = site.store.hold(Operation::Load, Moment::After);
    gate.open();
    found.reached().await;
    site.store.release();
    user.post("/logout").await;
    found.open();
    assert_eq!(slow.await.unwrap().status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn g16_a_renewal_that_a_sign_in_overtakes_writes_nothing_behind_it() {
    let site = Site::with(|layer| layer.renewal(Duration::from_secs(60)));
    let gate = Gate::new();
    let mut user = site.serve(routes(&gate));
    user.post("/cart/tea").await;
    site.wait_seconds(60);
    let slow = tokio::spawn(user.ask(Method::GET, "/slow/look"));
    gate.reached().await;
    user.post("/login/7").await;
    let _ = site.store.take_calls();
    gate.open();
    assert_eq!(slow.await.unwrap().status, StatusCode::OK);
    assert_eq!(site.store.take_calls().replaces, 0);
}

#[tokio::test]
async fn g16_a_session_that_a_sign_in_overtakes_is_remembered_behind_it() {
    let gate = Gate::new();
    let mut user = Site::new().serve(routes(&gate));
    user.post("/cart/tea").await;
    let reply = beside(&mut user, &gate, "/slow/remember", &["/login/7"]).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(user.get("/remembered").await.body, "true");
}

#[tokio::test]
async fn g16_a_write_that_a_sign_in_overtakes_is_in_the_session_behind_it() {
    carried(&Site::new()).await;
    carried(&Site::on(by_parts())).await;
}

async fn refused<S: Store + Clone>(site: &Site<S>) {
    for slow in ["/slow/draft", "/slow/ticket", "/slow/team", "/slow/login/8"] {
        let gate = Gate::new();
        let mut user = site.serve(routes(&gate));
        user.post("/cart/tea").await;
        let reply = beside(&mut user, &gate, slow, &["/login/7"]).await;
        assert_eq!(reply.status, StatusCode::CONFLICT, "{slow}");
        assert!(!reply.sets_cookie(), "{slow}");
        assert_eq!(user.get("/draft").await.body, "None None None", "{slow}");
        assert_eq!(user.get("/me").await.body, "7", "{slow}");
    }
}

#[tokio::test]
async fn g16_what_would_not_have_survived_a_sign_in_is_refused_behind_it() {
    refused(&Site::new()).await;
    refused(&Site::on(by_parts())).await;
}

const ENDED: &str =
    "Your session has ended meanwhile, and this change was not saved. Load the page again.";

/// A success or a redirect would claim that the change was stored; the handler's own refusal does not.
#[tokio::test]
async fn g16_only_an_answer_that_would_be_a_lie_is_replaced() {
    for kept in Kept::REVOCABLY {
        for (status, answered, body) in [
            (200, 409, ENDED),
            (303, 409, ENDED),
            (307, 409, ENDED),
            (422, 422, "the handler's"),
            (500, 500, "the handler's"),
        ] {
            // By default the layer writes nothing if the status is 500.
            let site = Site::over(Spy::new(MemoryStore::new()), kept, |layer| {
                layer.on_server_error(OnServerError::Commit)
            });
            let gate = Gate::new();
            let mut user = site.serve(routes(&gate));
            user.post("/cart/tea").await;
            let slow = format!("/slow/answer/{status}");
            let reply = beside(&mut user, &gate, &slow, &["/login/7"]).await;
            assert_eq!(reply.status, answered, "{kept:?} {status}");
            assert_eq!(reply.body, body, "{kept:?} {status}");
            assert!(!reply.sets_cookie(), "{kept:?} {status}");
            assert_eq!(user.get("/draft").await.body, "None None None");
        }
    }
}

#[tokio::test]
async fn g16_a_write_meets_a_rotation_that_is_half_done() {
    let site = Site::on(by_parts());
    let gate = Gate::new();
    let mut user = site.serve(routes(&gate));
    user.post("/cart/tea").await;
    let slow = tokio::spawn(user.ask(Method::POST, "/slow/cart"));
    gate.reached().await;
    let half = site.store.hold(Operation::Insert, Moment::Before);
    let sign_in = tokio::spawn(user.ask(Method::POST, "/login/7"));
    half.reached().await;
    site.store.release();
    gate.open();
    assert_eq!(slow.await.unwrap().status, StatusCode::OK);
    half.open();
    user.keep(&sign_in.await.unwrap());
    assert_eq!(user.get("/cart").await.body, "tea,milk");
    assert_eq!(user.get("/me").await.body, "7");
}

#[tokio::test]
async fn g16_a_write_that_a_logout_overtakes_was_there_before_it() {
    for others in [&["/logout"][..], &["/login/7", "/logout"]] {
        let site = Site::new();
        let gate = Gate::new();
        let mut user = site.serve(routes(&gate));
        user.post("/cart/tea").await;
        let reply = beside(&mut user, &gate, "/slow/cart", others).await;
        assert_eq!(reply.status, StatusCode::OK, "{others:?}");
        assert!(!reply.sets_cookie());
        assert_eq!(site.rows(), 0);
    }
}

#[tokio::test]
async fn g16_a_write_that_is_too_late_for_the_way_is_told() {
    let site = Site::new();
    let gate = Gate::new();
    let mut user = site.serve(routes(&gate));
    user.post("/cart/tea").await;
    // Long enough that a touch is due.
    site.wait_seconds(60);
    let slow = |method, path| tokio::spawn(user.ask(method, path));
    let slow = [
        (slow(Method::POST, "/slow/cart"), StatusCode::CONFLICT),
        (slow(Method::GET, "/slow/look"), StatusCode::OK),
    ];
    for _ in &slow {
        gate.reached().await;
    }
    user.post("/login/7").await;
    site.wait_seconds(61);
    slow.iter().for_each(|_| gate.open());
    for (slow, status) in slow {
        assert_eq!(slow.await.unwrap().status, status);
    }
    assert_eq!(user.get("/cart").await.body, "tea");
}

/// The sign-in has moved the session to a new cookie, which an older request cannot write.
#[tokio::test]
async fn g16_a_write_that_a_sign_in_overtakes_in_cookies_is_told() {
    let site = Site::kept(Kept::InCookies);
    for (other, status) in [
        ("/login/7", StatusCode::CONFLICT),
        ("/logout", StatusCode::OK),
    ] {
        let gate = Gate::new();
        let mut user = site.serve(routes(&gate));
        user.post("/cart/tea").await;
        let logs = Logs::capture();
        let reply = beside(&mut user, &gate, "/slow/cart", &[other]).await;
        assert_eq!(reply.status, status, "{other}");
        assert!(!reply.sets_cookie(), "{other}");
        let told = logs.with(&["session has ended; nothing is written"]);
        assert_eq!(told.len(), 1, "{other}");
    }
}

/// An attacker who planted the cookie can write only what could have been written before, and learns nothing.
#[tokio::test]
async fn g16_a_request_that_is_overtaken_sees_nothing_of_the_session_behind() {
    let site = Site::new();
    let gate = Gate::new();
    let held = gate.clone();
    let look = post(
        async move |mut shop: Session<Shop>, session: CurrentSession| {
            held.pass().await;
            shop.views += 1;
            shop.commit().await?;
            let user = session.get::<Login>().await?.map(|login| login.user);
            let handle: Detached<Shop> = shop.detach()?;
            let update = handle.update(|shop| shop.views += 1).await;
            Ok::<_, SessionError>(format!("{user:?} {} {}", shop.cart.len(), update.is_err()))
        },
    );
    let mut user = site.serve(routes(&gate).route("/look", look));
    user.post("/cart/tea").await;
    let reply = beside(&mut user, &gate, "/look", &["/login/7", "/cart/secret"]).await;
    assert_eq!(reply.body, "None 1 true");
    assert!(!reply.sets_cookie());
    assert_eq!(user.get("/views").await.body, "1");
}

#[tokio::test]
async fn g16_a_write_with_a_former_id_is_refused() {
    for kept in Kept::REVOCABLY {
        let site = Site::kept(kept);
        let (mut user, mut former) = behind(&site).await;
        assert_eq!(former.get("/cart").await.status, StatusCode::OK);
        assert_eq!(former.get("/cart").await.body, "", "{kept:?}");
        for seconds in [0, 11, 48] {
            site.wait_seconds(seconds);
            let reply = former.post("/cart/milk").await;
            assert_eq!(reply.status, StatusCode::CONFLICT, "{kept:?}");
            assert!(!reply.sets_cookie());
        }
        assert_eq!(user.get("/cart").await.body, "tea");
        if kept == Kept::OnServer {
            let reply = former.post("/end-others").await;
            assert_eq!(reply.status, StatusCode::CONFLICT);
        }
        site.wait_seconds(61);
        assert!(former.post("/cart/milk").await.sets_cookie());
    }
}
