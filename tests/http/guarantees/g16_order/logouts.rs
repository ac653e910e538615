//! The sessions that a logout or a revocation ends.

use tokio::task::JoinHandle;

use super::*;

/// The logout ends the session under the new id, which the commit has not reached.
#[tokio::test]
async fn g16_a_logout_after_a_commit_that_a_sign_in_overtook_ends_the_session_behind_it() {
    for kept in Kept::REVOCABLY {
        let gate = Gate::new();
        let mut user = Site::kept(kept).serve(routes(&gate));
        user.post("/cart/tea").await;
        beside(&mut user, &gate, "/slow/give-up", &["/login/7"]).await;
        assert_eq!(user.get("/me").await.body, "guest", "{kept:?}");
    }
}

/// A former id does not lead to a session that was begun after a logout without a sign-in.
#[tokio::test]
async fn g16_a_logout_with_a_farewell_may_be_repeated() {
    for kept in Kept::REVOCABLY {
        let mut user = Site::kept(kept).serve(routes(&Gate::new()));
        user.post("/login/7").await;
        let mut former = user.clone();
        for client in [&mut user, &mut former] {
            assert_eq!(client.post("/farewell").await.status, StatusCode::OK);
        }
        assert_eq!(user.get("/cart").await.body, "bye");
    }
}

#[tokio::test]
async fn g16_a_logout_ends_also_what_a_former_id_beside_it_leads_to() {
    for kept in Kept::REVOCABLY {
        let site = Site::kept(kept);
        let mut a = site.serve(shop::with_logout());
        a.post("/login/8").await;
        let (mut user, former) = behind(&site).await;
        let reply = a.showing(both(&a, &former)).post("/logout").await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER);
        assert_eq!(user.get("/me").await.body, "guest", "{kept:?}");
        assert_eq!(a.get("/me").await.body, "guest", "{kept:?}");
    }
}

async fn former_logout<S: Store + Clone>(site: &Site<S>) {
    for (seconds, left) in [(0, "guest"), (59, "guest"), (60, "7")] {
        let (mut user, mut former) = behind(site).await;
        site.wait_seconds(seconds);
        let reply = former.post("/logout").await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER);
        assert_eq!(user.get("/me").await.body, left, "{seconds} s");
    }
}

#[tokio::test]
async fn g16_a_logout_with_a_former_id_ends_the_session_under_its_new_one() {
    former_logout(&Site::new()).await;
    former_logout(&Site::on(by_parts())).await;
    former_logout(&Site::kept(Kept::InCookies)).await;
}

/// The logout follows the session to its current id, however often the id has changed.
#[tokio::test]
async fn g16_a_logout_that_sign_ins_overtake_ends_the_session() {
    for kept in Kept::REVOCABLY {
        let site = Site::kept(kept);
        let gate = Gate::new();
        let mut user = site.serve(routes(&gate));
        user.post("/cart/tea").await;
        let others = ["/login/7", "/login/8"];
        let reply = beside(&mut user, &gate, "/slow/logout", &others).await;
        assert_eq!(reply.status, StatusCode::OK, "{kept:?}");
        assert_eq!(user.get("/me").await.body, "guest", "{kept:?}");
        // As long as any cookie of the session could be accepted.
        site.wait_seconds(3_600);
        assert_eq!(user.get("/me").await.body, "guest", "{kept:?}");
    }
}

/// A session that another user has signed in to after a revocation listed it: its browser, a copy with the former id,
/// and the revocation.
async fn overtaken(site: &Site) -> ([Client; 2], Gate, JoinHandle<Result<usize, SessionError>>) {
    let mut user = site.serve(routes(&Gate::new()));
    user.post("/join/ada").await;
    let former = user.clone();
    let layer = site.sessions.layer();
    let revoking = async move { layer.revoke_all::<Member>(&"ada".to_owned()).await };
    let has_listed = (Operation::List, Moment::After, 0);
    let (gate, revoking) = site.store.stop_at(has_listed, revoking).await.unwrap();
    user.post("/join/bob").await;
    ([user, former], gate, revoking)
}

#[tokio::test]
async fn g16_a_revocation_that_a_sign_in_overtakes_leaves_the_way_to_a_logout() {
    for store in [Spy::new(MemoryStore::new()), by_parts()] {
        let site = Site::over(store, Kept::OnServer, |layer| layer);
        let ([mut user, mut former], gate, revoking) = overtaken(&site).await;
        gate.open();
        assert_eq!(revoking.await.unwrap().unwrap(), 0);
        assert_eq!(user.get("/who").await.body, "bob");
        former.post("/logout").await;
        assert_eq!(user.get("/who").await.body, "guest");
    }
}

/// The revocation removes nothing, so the way exists at every moment.
#[tokio::test]
async fn g16_a_logout_beside_a_revocation_that_a_sign_in_has_overtaken_ends_the_session() {
    for operation in [Operation::Remove, Operation::Replace] {
        for store in [Spy::new(MemoryStore::new()), by_parts()] {
            let site = Site::over(store, Kept::OnServer, |layer| layer);
            let ([mut user, mut former], gate, revoking) = overtaken(&site).await;
            let revoking = async move {
                gate.open();
                revoking.await.unwrap()
            };
            let has_tried = (operation, Moment::After, 0);
            let half_way = site.store.stop_at(has_tried, revoking).await;
            former.post("/logout").await;
            assert_eq!(user.get("/who").await.body, "guest", "{operation:?}");
            assert_eq!(half_way.is_some(), operation == Operation::Replace);
            if let Some((gate, revoking)) = half_way {
                gate.open();
                assert_eq!(revoking.await.unwrap().unwrap(), 0);
            }
        }
    }
}

/// Within one second, so the session's times do not show that it is the listed one.
#[tokio::test]
async fn g16_a_session_that_ends_itself_by_its_handle_ends_also_as_another_users() {
    for store in [Spy::new(MemoryStore::new()), by_parts()] {
        let site = Site::over(store, Kept::OnServer, |layer| layer);
        let mut user = site.serve(routes(&Gate::new()));
        user.post("/join/ada").await;
        let own = user.get("/own").await.body;
        let ending = user.ask(Method::POST, &format!("/end/{own}"));
        let has_listed = (Operation::List, Moment::After, 0);
        let (gate, ending) = site.store.stop_at(has_listed, ending).await.unwrap();
        user.post("/join/bob").await;
        gate.open();
        assert!(ending.await.unwrap().status.is_success());
        assert_eq!(user.get("/who").await.body, "guest");
    }
}

/// A logout that failed half-way, after it removed the way to the current id, can be repeated.
#[tokio::test]
async fn g16_a_logout_that_failed_on_its_way_ends_the_session_at_the_second_try() {
    let site = Site::new();
    let (mut user, mut former) = behind(&site).await;
    let removed = (Operation::Remove, Moment::After, 0);
    let request = former.ask(Method::POST, "/logout");
    let waiting = site.store.stop_at(removed, request).await;
    let (gate, request) = waiting.expect("it removes the way");
    site.store.fail(Operation::Remove, Moment::Before);
    gate.open();
    let status = request.await.unwrap().status;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(user.get("/me").await.body, "7", "it was not carried out");
    site.store.recover();
    assert!(former.post("/logout").await.status.is_redirection());
    assert_eq!(user.get("/me").await.body, "guest");
}

/// A request ends its session and begins another, signed in or as a visitor: the session ends under its current id.
#[tokio::test]
async fn g16_an_end_that_begins_anew_ends_a_session_that_has_moved_twice() {
    for store in [Spy::new(MemoryStore::new()), by_parts()] {
        for (path, me) in [("/anew/7", "7"), ("/farewell", "guest")] {
            let site = Site::over(store.clone(), Kept::OnServer, |layer| layer);
            let mut user = site.serve(routes(&Gate::new()));
            user.post("/login/7").await;
            let mut leaving = user.clone();
            let has_read = (Operation::Load, Moment::After, 0);
            let request = leaving.ask(Method::POST, path);
            let waiting = site.store.stop_at(has_read, request).await;
            let (gate, request) = waiting.expect("it reads the session");
            for login in ["/login/8", "/login/9"] {
                assert_eq!(user.post(login).await.status, StatusCode::SEE_OTHER);
            }
            gate.open();
            leaving.keep(&request.await.unwrap());
            assert_eq!(user.get("/me").await.body, "guest", "{path}");
            assert_eq!(leaving.get("/me").await.body, me, "{path}");
        }
    }
}

/// Nothing distinguishes the former cookie from the current one: both are valid.
#[tokio::test]
async fn g16_without_a_revocation_list_a_former_cookie_stays_a_session() {
    let site = Site::kept(Kept::InCookiesForGood);
    let mut user = site.serve(shop::routes());
    user.post("/cart/tea").await;
    let mut former = user.clone();
    user.post("/login/7").await;
    assert_eq!(former.post("/cart/milk").await.status, StatusCode::OK);
    assert_eq!(former.get("/cart").await.body, "tea,milk");
    assert_eq!(user.get("/cart").await.body, "tea");
    assert_eq!(user.get("/me").await.body, "7");
}

fn both(a: &Client, b: &Client) -> String {
    format!("{}; {}", a.cookies().unwrap(), b.cookies().unwrap())
}

#[tokio::test]
async fn g16_a_logout_with_two_sessions_ends_both() {
    for kept in Kept::REVOCABLY {
        let site = Site::kept(kept);
        let visitor = site.serve(routes(&Gate::new()));
        let (mut a, mut b) = (visitor.clone(), visitor.clone());
        a.post("/login/7").await;
        b.post("/login/8").await;
        let reply = a.showing(both(&a, &b)).post("/logout").await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER);
        assert_eq!(a.get("/me").await.body, "guest", "{kept:?}");
        assert_eq!(b.get("/me").await.body, "guest", "{kept:?}");
    }
}

#[tokio::test]
async fn g16_a_revocation_with_two_sessions_ends_both_or_is_refused() {
    let site = Site::new();
    let visitor = site.serve(routes(&Gate::new()));
    let (mut a, mut b, mut c) = (visitor.clone(), visitor.clone(), visitor.clone());
    a.post("/join/ada").await;
    b.post("/join/bob").await;
    c.post("/join/ada").await;
    let [own, other] = [a.get("/own").await.body, c.get("/own").await.body];
    let mut both = a.showing(both(&a, &b));
    assert_eq!(both.post("/end-others").await.status, StatusCode::CONFLICT);
    assert_eq!(both.post(&format!("/end/{other}")).await.body, "false");
    assert_eq!(both.post(&format!("/end/{own}")).await.body, "true");
    let who = [&mut a, &mut b, &mut c].map(|client| client.ask(Method::GET, "/who"));
    let mut names = Vec::new();
    for reply in who {
        names.push(reply.await.body);
    }
    assert_eq!(names, ["guest", "guest", "ada"]);
}

#[tokio::test]
async fn g16_more_cookies_than_are_tried_are_no_session() {
    for kept in Kept::REVOCABLY {
        let logs = Logs::capture();
        let site = Site::kept(kept);
        let mut user = site.serve(routes(&Gate::new()));
        user.post("/login/7").await;
        let cookie = user.cookies().unwrap();
        let (name, _) = cookie.split_once('=').unwrap();
        let others: Vec<_> = (0..4).map(|n| format!("{name}=x{n}")).collect();
        for cookies in [
            format!("{cookie}; {}", others.join("; ")),
            format!("{}; {cookie}", others.join("; ")),
        ] {
            let mut planted = user.showing(cookies);
            assert_eq!(planted.get("/me").await.body, "guest", "{kept:?}");
            assert_eq!(logs.with(&["WARN", "more cookies", name]).len(), 1);
        }
        // The layer tries four cookies.
        let mut some = user.showing(format!("{cookie}; {}", others[1..].join("; ")));
        assert_eq!(some.get("/me").await.body, "7");
    }
}

#[tokio::test]
async fn g16_a_logout_that_may_have_missed_a_session_is_not_answered_as_done() {
    let site = Site::new();
    let mut user = site.serve(routes(&Gate::new()));
    user.post("/login/7").await;
    let cookie = user.cookies().unwrap();
    let (name, _) = cookie.split_once('=').unwrap();
    let others: Vec<_> = (0..4).map(|n| format!("{name}=x{n}")).collect();
    let all = format!("{}; {cookie}", others.join("; "));
    let reply = user.showing(all).post("/logout").await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert!(reply.body.contains("Delete the cookies"), "{}", reply.body);
    assert!(reply.sets_cookie(), "the browser forgets what it has");
}

/// The session has a new id, which the logout follows.
#[tokio::test]
async fn g16_a_logout_behind_a_reload_that_has_found_no_session_ends_it() {
    for kept in Kept::REVOCABLY {
        let site = Site::kept(kept);
        let gate = Gate::new();
        let mut user = site.serve(routes(&gate));
        user.post("/cart/tea").await;
        let reply = beside(&mut user, &gate, "/slow/reload", &["/login/7"]).await;
        assert_eq!(reply.status, StatusCode::OK, "{kept:?}");
        assert_eq!(user.get("/me").await.body, "guest", "{kept:?}");
    }
}

/// The request has a cookie that leads nowhere and one whose id a sign-in has just ended.
#[tokio::test]
async fn g16_a_request_between_two_ids_stays_one_beside_another_cookie() {
    for kept in Kept::REVOCABLY {
        let (user, former) = behind(&Site::kept(kept)).await;
        let cookie = former.cookies().expect("a cookie");
        for cookies in [
            format!("{cookie}; {cookie}x"),
            format!("{cookie}x; {cookie}"),
        ] {
            let reply = user.showing(cookies).post("/cart/milk").await;
            assert_eq!(reply.status, StatusCode::CONFLICT, "{kept:?}");
            assert!(!reply.sets_cookie(), "{kept:?}");
        }
    }
}

/// One of two sessions may be planted; of very many cookies, the layer tries only some.
#[tokio::test]
async fn g16_a_logout_by_several_cookies_ends_what_they_lead_to() {
    for kept in Kept::REVOCABLY {
        for (others, more) in [(2, 0), (1, 40), (0, 40)] {
            let site = Site::kept(kept);
            let (mut user, former) = behind(&site).await;
            let cookie = former.cookies().expect("a cookie");
            let mut cookies = cookie.clone();
            let mut guests = vec![site.serve(routes(&Gate::new())); others];
            for guest in &mut guests {
                guest.post("/cart/tea").await;
                cookies += &format!("; {}", guest.cookies().expect("a cookie"));
            }
            (0..more).for_each(|n| cookies += &format!("; {cookie}{n}"));
            user.showing(cookies).post("/logout").await;
            let case = format!("{kept:?} {others} {more}");
            assert_eq!(user.get("/me").await.body, "guest", "{case}");
            for guest in &mut guests {
                assert_eq!(guest.get("/cart").await.body, "", "{case}");
            }
        }
    }
}
