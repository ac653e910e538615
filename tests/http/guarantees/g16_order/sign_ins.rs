//! Sign-ins that meet another sign-in or a logout.

use super::*;

/// The sign-in ends the guest's session instead of giving it a new id.
#[tokio::test]
async fn g16_a_sign_in_that_begins_anew_is_a_sign_in_to_the_former_id() {
    let check = async |site: Site<_>| {
        let gate = Gate::new();
        let mut user = site.serve(routes(&gate));
        user.post("/cart/tea").await;
        let mut former = user.clone();
        let reply = beside(&mut user, &gate, "/slow/cart", &["/anew/7"]).await;
        assert_eq!(reply.status, StatusCode::CONFLICT);
        assert_eq!(user.get("/me").await.body, "7");
        assert_eq!(user.get("/cart").await.body, "");
        let reply = former.post("/cart/milk").await;
        assert_eq!(reply.status, StatusCode::CONFLICT);
        assert_eq!(former.post("/logout").await.status, StatusCode::SEE_OTHER);
        assert_eq!(user.get("/me").await.body, "guest");
    };
    for kept in Kept::REVOCABLY {
        check(Site::kept(kept)).await;
    }
    let by_parts = Site::on(by_parts());
    let mut user = by_parts.serve(routes(&Gate::new()));
    user.post("/cart/tea").await;
    let mut former = user.clone();
    user.post("/anew/7").await;
    assert_eq!(user.get("/me").await.body, "7");
    assert_eq!(former.post("/logout").await.status, StatusCode::SEE_OTHER);
    assert_eq!(user.get("/me").await.body, "guest");
}

#[tokio::test]
async fn g16_of_two_sign_ins_of_one_guest_one_is_told_or_begins_anew() {
    for kept in Kept::REVOCABLY {
        let site = Site::kept(kept);
        let gate = Gate::new();
        let mut user = site.serve(routes(&gate));
        user.post("/cart/tea").await;
        let late = user.clone();
        let reply = beside(&mut user, &gate, "/slow/login/8", &["/login/7"]).await;
        assert_eq!(reply.status, StatusCode::CONFLICT, "{kept:?}");
        assert!(!reply.sets_cookie());
        assert_eq!(user.get("/me").await.body, "7");
        let mut late = late.clone();
        assert!(late.post("/login/9").await.sets_cookie());
        assert_eq!(late.get("/me").await.body, "9", "{kept:?}");
    }
}

#[tokio::test]
async fn g16_a_sign_in_or_a_use_that_a_logout_overtakes_is_told() {
    for kept in Kept::REVOCABLY {
        for slow in [
            "/slow/login/8",
            "/slow/ticket",
            "/slow/team",
            "/slow/insist",
        ] {
            let site = Site::kept(kept);
            let gate = Gate::new();
            let mut user = site.serve(routes(&gate));
            user.post("/cart/tea").await;
            let reply = beside(&mut user, &gate, slow, &["/logout"]).await;
            assert_eq!(reply.status, StatusCode::CONFLICT, "{kept:?} {slow}");
            assert!(!reply.sets_cookie());
        }
    }
}

/// Two guests with carts compete for one place; each stops at every point where the other may come between.
#[tokio::test]
async fn g16_a_sign_in_that_is_refused_changes_nothing() {
    for at_limit in [AtLimit::Refuse, AtLimit::EndOldest] {
        for (operation, moment) in [
            (Operation::Insert, Moment::After),
            (Operation::List, Moment::After),
            (Operation::Replace, Moment::Before),
            (Operation::Replace, Moment::After),
            (Operation::Rotate, Moment::After),
        ] {
            let site = Site::with(|layer| layer.sessions_per_user(1, at_limit));
            let visitor = site.serve(routes(&Gate::new()));
            let mut guests = [visitor.clone(), visitor.clone()];
            for guest in &mut guests {
                guest.post("/cart/tea").await;
            }
            let gate = site.store.hold(operation, moment);
            let first = tokio::spawn(guests[0].ask(Method::POST, "/join/ada"));
            gate.reached().await;
            site.store.release();
            let second = guests[1].post("/join/ada").await;
            gate.open();
            let first = first.await.unwrap();
            guests[0].keep(&first);
            let mut members = 0;
            for (guest, reply) in guests.iter_mut().zip([first, second]) {
                let case = format!("{at_limit:?} {operation:?} {moment:?} {}", reply.status);
                let is_in = reply.status == StatusCode::OK;
                assert!(is_in || reply.status == StatusCode::CONFLICT, "{case}");
                let who = guest.get("/who").await.body;
                // The other sign-in may have waited for its turn and then ended this session.
                let has_made_room = is_in && at_limit == AtLimit::EndOldest && who == "guest";
                let cart = if has_made_room { "" } else { "tea" };
                assert_eq!(guest.get("/cart").await.body, cart, "{case}");
                assert!(has_made_room || is_in == (who == "ada"), "{case} {who}");
                members += usize::from(who == "ada");
            }
            assert_eq!(members, 1, "{at_limit:?} {operation:?} {moment:?}");
        }
    }
}

/// One guest clicks twice; the first request stops at every point where the second may come between.
#[tokio::test]
async fn g16_of_two_clicks_on_sign_in_each_one_tells_the_truth() {
    for (operation, moment) in [
        (Operation::Load, Moment::After),
        (Operation::Insert, Moment::After),
        (Operation::List, Moment::After),
        (Operation::Replace, Moment::Before),
        (Operation::Replace, Moment::After),
        (Operation::Rotate, Moment::Before),
        (Operation::Rotate, Moment::After),
        (Operation::Remove, Moment::Before),
    ] {
        let site = Site::with(|layer| layer.sessions_per_user(1, AtLimit::EndOldest));
        let mut browser = site.serve(routes(&Gate::new()));
        browser.post("/cart/tea").await;
        let gate = site.store.hold(operation, moment);
        let first = tokio::spawn(browser.ask(Method::POST, "/join/ada"));
        gate.reached().await;
        site.store.release();
        let second = browser.ask(Method::POST, "/join/ada").await;
        gate.open();
        let first = first.await.unwrap();
        let case = format!(
            "{operation:?} {moment:?} {} {}",
            first.status, second.status
        );
        let mut names = Vec::new();
        for reply in [&second, &first] {
            let is_in = reply.status == StatusCode::OK;
            assert!(is_in || reply.status == StatusCode::CONFLICT, "{case}");
            assert_eq!(is_in, reply.sets_cookie(), "{case}");
            browser.keep(reply);
            if is_in {
                let mut signed_in = browser.clone();
                names.push(signed_in.get("/who").await.body);
            }
        }
        assert_eq!(names, ["ada"], "{case}");
        assert_eq!(browser.get("/who").await.body, "ada", "{case}");
        assert_eq!(browser.post("/end-others").await.body, "0", "{case}");
    }
}

fn one_place() -> Site {
    Site::with(|layer| layer.sessions_per_user(1, AtLimit::Refuse))
}

/// The number of sign-ins that succeeded; all others were refused.
fn signed_in(replies: &[Reply]) -> usize {
    let is_in = |reply: &&Reply| {
        let is_in = reply.status == StatusCode::OK;
        assert!(is_in || reply.status == StatusCode::CONFLICT);
        is_in
    };
    replies.iter().filter(is_in).count()
}

#[tokio::test]
async fn g16_of_two_sign_ins_that_see_each_other_one_has_the_place() {
    let site = one_place();
    let visitor = site.serve(routes(&Gate::new()));
    let is_to_count = site.store.hold(Operation::List, Moment::Before);
    let has_looked = site.store.hold(Operation::Load, Moment::After);
    let [first, second] = [(); 2].map(|()| tokio::spawn(visitor.ask(Method::POST, "/join/ada")));
    let both_at = async |gate: &Gate| {
        gate.reached().await;
        gate.reached().await;
    };
    both_at(&is_to_count).await;
    (0..2).for_each(|_| is_to_count.open());
    both_at(&has_looked).await;
    site.store.release();
    (0..2).for_each(|_| has_looked.open());
    let replies = [first.await.unwrap(), second.await.unwrap()];
    assert_eq!(signed_in(&replies), 1);
}

/// A sign-in is about to confirm its claim when another one counts that claim among those it can take.
#[tokio::test]
async fn g16_a_place_that_is_held_meanwhile_is_not_taken() {
    let mut refused = 0;
    // Which of two claims has priority is random.
    for passed in [0, 1].repeat(8) {
        let site = one_place();
        let visitor = site.serve(routes(&Gate::new()));
        let join = || visitor.ask(Method::POST, "/join/ada");
        let is_about_to_hold = (Operation::Replace, Moment::Before, 0);
        let first = site.store.stop_at(is_about_to_hold, join()).await;
        let has_looked = (Operation::Load, Moment::After, passed);
        let second = site.store.stop_at(has_looked, join()).await;
        let (go_on, first) = first.unwrap();
        go_on.open();
        assert_eq!(first.await.unwrap().status, StatusCode::OK);
        if let Some((go_on, second)) = second {
            go_on.open();
            assert_eq!(second.await.unwrap().status, StatusCode::CONFLICT);
            refused += 1;
        }
    }
    assert!(refused >= 8, "{refused} have looked in between");
}

#[tokio::test(start_paused = true)]
async fn g16_a_sign_in_that_ends_another_waits_for_its_turn() {
    let site = Site::with(|layer| layer.sessions_per_user(1, AtLimit::EndOldest));
    let visitor = site.serve(routes(&Gate::new()));
    let join = || visitor.ask(Method::POST, "/join/ada");
    let is_in = (Operation::Insert, Moment::After, 1);
    let (go_on, first) = site.store.stop_at(is_in, join()).await.unwrap();
    let has_given_way = site.store.hold(Operation::Remove, Moment::After);
    let second = tokio::spawn(join());
    has_given_way.reached().await;
    site.store.release();
    go_on.open();
    has_given_way.open();
    let replies = [first.await.unwrap(), second.await.unwrap()];
    assert_eq!(signed_in(&replies), 2);
}

/// The server of the first sign-in has stopped, so the claim is not removed.
#[tokio::test]
async fn g16_a_claim_that_was_taken_away_holds_no_later_sign_in_up() {
    let site = one_place();
    let visitor = site.serve(routes(&Gate::new()));
    let has_claimed = (Operation::Insert, Moment::After, 0);
    let stopped = visitor.ask(Method::POST, "/join/ada");
    let stopped = site.store.stop_at(has_claimed, stopped).await;
    assert!(stopped.is_some());
    let mut second = visitor.clone();
    let mut tries = 0..64;
    // Which of two claims has priority is random.
    while second.post("/join/ada").await.status == StatusCode::CONFLICT {
        tries.next().expect("one that comes first");
    }
    second.post("/logout").await;
    let third = visitor.clone().post("/join/ada").await;
    assert_eq!(third.status, StatusCode::OK);
}

/// The sign-in on the server whose clock is behind has counted the sessions when the other one begins.
#[tokio::test]
async fn g16_clocks_that_differ_let_no_sign_in_pass_another() {
    let behind = one_place();
    let ahead = behind.restarted(|layer| layer.sessions_per_user(1, AtLimit::Refuse));
    ahead.wait_seconds(60);
    let has_counted = (Operation::List, Moment::After, 0);
    let first = behind.serve(routes(&Gate::new()));
    let first = first.ask(Method::POST, "/join/ada");
    let (go_on, first) = behind.store.stop_at(has_counted, first).await.unwrap();
    let second = ahead.serve(routes(&Gate::new())).post("/join/ada").await;
    go_on.open();
    assert_eq!(signed_in(&[first.await.unwrap(), second]), 1);
}

/// Two users who share the value of another index.
#[tokio::test]
async fn g16_a_sign_in_has_a_place_by_each_value() {
    #[derive(Session)]
    struct Player {
        #[session(required, rotate, index)]
        team: u8,
    }
    let site = one_place();
    let play = async |session: CurrentSession, Path(name): Path<String>| {
        session.insert(Member { name })?;
        session.insert(Player { team: 1 })
    };
    let visitor = site.serve(Router::new().route("/play/{name}", post(play)));
    let has_counted = (Operation::List, Moment::After, 1);
    let first = visitor.ask(Method::POST, "/play/ada");
    let (go_on, first) = site.store.stop_at(has_counted, first).await.unwrap();
    let second = visitor.clone().post("/play/bob").await;
    go_on.open();
    assert_eq!(signed_in(&[first.await.unwrap(), second]), 1);
}

/// The failed request may continue for a moment. After that, no browser can hold the id of its session.
#[tokio::test]
async fn g16_a_sign_in_that_has_stopped_half_way_takes_no_place() {
    for path in ["/login/7", "/anew/7"] {
        let store = by_parts();
        let site = Site::over(store.clone(), Kept::OnServer, |layer| {
            layer.sessions_per_user(1, AtLimit::Refuse)
        });
        let visitor = site.serve(routes(&Gate::new()));
        let (mut stopped, mut other) = (visitor.clone(), visitor.clone());
        assert_eq!(stopped.post("/join/ada").await.status, StatusCode::OK);
        // The way to the new id is written, but the row of the new id is not.
        let has_moved = (Operation::Replace, Moment::After, 0);
        let sign_in = stopped.ask(Method::POST, path);
        let (gate, sign_in) = store.stop_at(has_moved, sign_in).await.unwrap();
        store.fail_with(Operation::Replace, Moment::Before, || StoreError::Full);
        gate.open();
        assert!(sign_in.await.unwrap().status.is_server_error());
        store.recover();
        // The browser has the former id, which is no longer accepted.
        assert_eq!(stopped.get("/who").await.body, "guest");
        assert_eq!((site.rows(), site.reserved()), (0, 1), "{path}");
        assert_eq!(other.post("/join/ada").await.status, StatusCode::CONFLICT);
        site.wait_seconds(15);
        assert_eq!(other.post("/join/ada").await.status, StatusCode::OK);
        assert_eq!(other.post("/end-others").await.body, "0");
    }
}

/// As before, with a request that had loaded the session before it began anew.
#[tokio::test]
async fn g16_a_late_write_does_not_finish_a_sign_in_that_begins_anew() {
    for (path, rows) in [("/slow/cart", 0), ("/anew/9", 1)] {
        let gate = Gate::new();
        let site = Site::over(by_parts(), Kept::OnServer, |layer| layer);
        let mut user = site.serve(routes(&gate));
        user.post("/join/ada").await;
        gate.open();
        let has_read = (Operation::Load, Moment::After, 0);
        let late = user.ask(Method::POST, path);
        let (go_on, late) = site.store.stop_at(has_read, late).await.unwrap();
        let has_moved = (Operation::Replace, Moment::After, 0);
        let sign_in = user.ask(Method::POST, "/anew/7");
        let sign_in = site.store.stop_at(has_moved, sign_in).await;
        assert!(sign_in.is_some(), "it moves the session");
        go_on.open();
        late.await.unwrap();
        assert_eq!((site.rows(), site.reserved()), (rows, 1), "{path}");
    }
}

/// The store fails from the moment when the session has its new id.
#[tokio::test]
async fn g16_a_sign_in_that_was_carried_out_is_answered_as_done() {
    for (at_limit, max) in [(AtLimit::EndOldest, 1), (AtLimit::Refuse, 2)] {
        let site = Site::with(|layer| layer.sessions_per_user(max, at_limit));
        let visitor = site.serve(routes(&Gate::new()));
        let (mut first, mut second, mut third) = (visitor.clone(), visitor.clone(), visitor);
        first.post("/join/ada").await;
        site.wait_seconds(1);
        second.post("/cart/tea").await;
        let has_moved = (Operation::Rotate, Moment::After, 0);
        let sign_in = second.ask(Method::POST, "/join/ada");
        let (gate, sign_in) = site.store.stop_at(has_moved, sign_in).await.unwrap();
        site.store.fail_all();
        gate.open();
        let reply = sign_in.await.unwrap();
        site.store.recover();
        assert_eq!(reply.status, StatusCode::OK, "{at_limit:?}");
        second.keep(&reply);
        assert_eq!(second.get("/who").await.body, "ada", "{at_limit:?}");
        assert_eq!(second.get("/cart").await.body, "tea", "{at_limit:?}");
        // The claim is kept for this long.
        site.wait_seconds(120);
        let is_refused = at_limit == AtLimit::Refuse;
        let third_status = third.post("/join/ada").await.status;
        assert_eq!(third_status == StatusCode::CONFLICT, is_refused);
        let who = [first.get("/who").await.body, second.get("/who").await.body];
        let left = if is_refused { "ada" } else { "guest" };
        assert_eq!(who, [left; 2], "the limit holds again");
    }
}

#[tokio::test]
async fn g16_clocks_that_differ_refuse_no_sign_in() {
    for seconds in [1_i64, 2, 30] {
        let site = Site::with(|layer| layer.sessions_per_user(1, AtLimit::EndOldest));
        let other = site.restarted(|layer| layer.sessions_per_user(1, AtLimit::EndOldest));
        let now = site.clock().now().as_unix_seconds();
        other.clock().set(now.saturating_add_signed(-seconds));
        let (mut ahead, mut behind) = (
            site.serve(routes(&Gate::new())),
            other.serve(routes(&Gate::new())),
        );
        assert_eq!(ahead.post("/join/ada").await.status, StatusCode::OK);
        assert_eq!(behind.post("/join/ada").await.status, StatusCode::OK);
        assert_eq!(behind.get("/who").await.body, "ada");
        assert_eq!(ahead.get("/who").await.body, "guest");
    }
}
