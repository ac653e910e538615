//! G16: what was answered as done is explained by some order of the requests of that session.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Path;
use axum::routing::{get, post};
use http::{Method, StatusCode};
use starsessions::config::AtLimit;
use starsessions::config::Clock;
use starsessions::store::{
    IndexKey, Inserted, Listed, Protection, Replaced, Row, RowKey, Store, StoreError, Touch,
    Touched,
};
use starsessions::{CurrentSession, Detached, MemoryStore, Session, SessionError, Timestamp};
use starsessions_tests::client::{Client, Reply};
use starsessions_tests::gate::Gate;
use starsessions_tests::logs::Logs;
use starsessions_tests::shop::{self, Login, Shop};
use starsessions_tests::site::{Kept, Site};
use starsessions_tests::spy::{Moment, Operation, Spy};

#[derive(Debug, Session)]
struct Bound {
    #[session(until = rotate)]
    draft: Option<String>,
    #[session(exclusive)]
    ticket: Option<u32>,
}

#[derive(Debug, Session)]
struct Member {
    #[session(required, rotate, index)]
    name: String,
}

/// A store that cannot change two keys at once, and may hold what is no session.
#[derive(Clone, Debug, Default)]
struct Plain {
    store: MemoryStore,
    garbage: Arc<Mutex<bool>>,
    is_overwritten: Arc<Mutex<bool>>,
    is_full: Arc<Mutex<bool>>,
}

impl Store for Plain {
    fn protection(&self) -> Protection {
        Protection::Sealed
    }

    async fn load(&self, key: &RowKey, now: Timestamp) -> Result<Option<Row>, StoreError> {
        if *self.garbage.lock().unwrap() {
            return Err(StoreError::Corrupt("not a row".into()));
        }
        let mut row = self.store.load(key, now).await?;
        if let Some(row) = &mut row
            && *self.is_overwritten.lock().unwrap()
        {
            row.value = Arc::from(*b"overwritten");
        }
        Ok(row)
    }

    async fn insert(
        &self,
        key: &RowKey,
        row: &Row,
        now: Timestamp,
    ) -> Result<Inserted, StoreError> {
        if *self.is_full.lock().unwrap() {
            return Err(StoreError::Full);
        }
        self.store.insert(key, row, now).await
    }

    async fn replace(
        &self,
        key: &RowKey,
        seen: &Row,
        row: &Row,
        now: Timestamp,
    ) -> Result<Replaced, StoreError> {
        self.store.replace(key, seen, row, now).await
    }

    async fn touch(
        &self,
        key: &RowKey,
        seen: &Row,
        touch: Touch,
        now: Timestamp,
    ) -> Result<Touched, StoreError> {
        self.store.touch(key, seen, touch, now).await
    }

    async fn remove(&self, key: &RowKey) -> Result<Option<Row>, StoreError> {
        *self.garbage.lock().unwrap() = false;
        self.store.remove(key).await
    }

    async fn listed(&self, index: &IndexKey, now: Timestamp) -> Result<Vec<Listed>, StoreError> {
        self.store.listed(index, now).await
    }

    async fn sweep(&self, limit: usize, now: Timestamp) -> Result<usize, StoreError> {
        self.store.sweep(limit, now).await
    }
}

/// A request that has loaded its session waits at the gate before it goes on.
fn routes(gate: &Gate) -> Router {
    let held = |gate: &Gate| gate.clone();
    let (a, b, c, d, e) = (held(gate), held(gate), held(gate), held(gate), held(gate));
    let (f, g) = (held(gate), held(gate));
    shop::with_logout()
        .route(
            "/slow/cart",
            post(async move |mut shop: Session<Shop>| {
                a.pass().await;
                shop.cart.push("milk".to_owned());
                shop.views += 1;
            }),
        )
        .route(
            "/slow/twice",
            post(async move |mut shop: Session<Shop>| {
                b.pass().await;
                shop.views += 1;
                shop.commit().await?;
                shop.views += 1;
                Ok::<_, SessionError>(())
            }),
        )
        .route(
            "/slow/draft",
            post(async move |mut bound: Session<Bound>| {
                c.pass().await;
                bound.draft = Some("mine".to_owned());
            }),
        )
        .route(
            "/slow/ticket",
            post(async move |mut bound: Session<Bound>| {
                d.pass().await;
                bound.ticket = Some(1);
            }),
        )
        .route(
            "/slow/login/{user}",
            post(
                async move |shop: Session<Shop>, session: CurrentSession, Path(user)| {
                    e.pass().await;
                    drop(shop);
                    session.insert(Login { user })
                },
            ),
        )
        .route(
            "/slow/logout",
            post(async move |shop: Session<Shop>, session: CurrentSession| {
                g.pass().await;
                drop(shop);
                session.destroy()
            }),
        )
        .route(
            "/anew/{user}",
            post(async |session: CurrentSession, Path(user)| {
                session.destroy()?;
                session.insert(Login { user })
            }),
        )
        .route(
            "/farewell",
            post(async |session: CurrentSession| {
                session.destroy()?;
                let cart = vec!["bye".to_owned()];
                session.insert(Shop {
                    cart,
                    ..Shop::default()
                })
            }),
        )
        .route(
            "/slow/answer/{status}",
            post(async move |mut bound: Session<Bound>, Path(status)| {
                f.pass().await;
                bound.draft = Some("mine".to_owned());
                let status = StatusCode::from_u16(status).expect("the test's own");
                (status, "the handler's")
            }),
        )
        .route("/draft", get(draft))
        .route("/join/{name}", post(join))
        .route("/who", get(who))
        .route("/detach", post(detach))
        .route("/own", get(own))
        .route("/end/{id}", post(end))
        .route("/end-others", post(end_others))
}

async fn draft(bound: Session<Bound>) -> String {
    format!("{:?} {:?}", bound.draft, bound.ticket)
}

async fn join(session: CurrentSession, Path(name): Path<String>) -> Result<(), SessionError> {
    session.insert(Member { name })
}

async fn who(member: Option<Session<Member>>) -> String {
    member.map_or("guest".to_owned(), |member| member.name.clone())
}

async fn own(session: CurrentSession) -> Result<String, SessionError> {
    let all = session.list::<Member>().await?;
    let own = all.iter().find(|session| session.is_current);
    Ok(own.map(|own| own.id.to_string()).unwrap_or_default())
}

async fn end(session: CurrentSession, Path(id): Path<String>) -> Result<String, SessionError> {
    let id = id.parse().expect("the test has it from the list");
    Ok(session.revoke::<Member>(id).await?.to_string())
}

async fn end_others(session: CurrentSession) -> Result<String, SessionError> {
    Ok(session.revoke_others::<Member>().await?.to_string())
}

async fn detach(shop: Session<Shop>) -> Result<(), SessionError> {
    shop.detach().map(drop)
}

/// Has another request take place while a slow one is on its way that has loaded the session.
async fn beside(user: &mut Client, gate: &Gate, slow: &str, others: &[&str]) -> Reply {
    let slow = tokio::spawn(user.ask(Method::POST, slow));
    gate.reached().await;
    for other in others {
        user.post(other).await;
    }
    gate.open();
    slow.await.unwrap()
}

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
async fn g16_a_write_that_a_sign_in_overtakes_is_in_the_session_behind_it() {
    carried(&Site::new()).await;
    carried(&Site::on(Plain::default())).await;
}

async fn refused<S: Store + Clone>(site: &Site<S>) {
    for slow in ["/slow/draft", "/slow/ticket", "/slow/login/8"] {
        let gate = Gate::new();
        let mut user = site.serve(routes(&gate));
        user.post("/cart/tea").await;
        let reply = beside(&mut user, &gate, slow, &["/login/7"]).await;
        assert_eq!(reply.status, StatusCode::CONFLICT, "{slow}");
        assert!(!reply.sets_cookie(), "{slow}");
        assert_eq!(user.get("/draft").await.body, "None None", "{slow}");
        assert_eq!(user.get("/me").await.body, "7", "{slow}");
    }
}

#[tokio::test]
async fn g16_what_would_not_have_survived_a_sign_in_is_refused_behind_it() {
    refused(&Site::new()).await;
    refused(&Site::on(Plain::default())).await;
}

/// A success or a redirect would say that it was done; a handler's own refusal does not.
#[tokio::test]
async fn g16_only_an_answer_that_would_be_a_lie_is_replaced() {
    for kept in Kept::REVOCABLY {
        for (status, answered, body) in [
            (200, 409, ""),
            (303, 409, ""),
            (307, 409, ""),
            (422, 422, "the handler's"),
            (500, 500, "the handler's"),
        ] {
            let site = Site::kept(kept);
            let gate = Gate::new();
            let mut user = site.serve(routes(&gate));
            user.post("/cart/tea").await;
            let slow = format!("/slow/answer/{status}");
            let reply = beside(&mut user, &gate, &slow, &["/login/7"]).await;
            assert_eq!(reply.status, answered, "{kept:?} {status}");
            assert_eq!(reply.body, body, "{kept:?} {status}");
            assert!(!reply.sets_cookie(), "{kept:?} {status}");
            assert_eq!(user.get("/draft").await.body, "None None");
        }
    }
}

#[tokio::test]
async fn g16_a_write_meets_a_rotation_that_is_half_done() {
    let site = Site::on(Plain::default());
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
    let slow = tokio::spawn(user.ask(Method::POST, "/slow/cart"));
    gate.reached().await;
    user.post("/login/7").await;
    site.wait_seconds(61);
    gate.open();
    assert_eq!(slow.await.unwrap().status, StatusCode::CONFLICT);
    assert_eq!(user.get("/cart").await.body, "tea");
}

/// A session that is its cookie has moved to another one, which an older request cannot write.
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
        let reply = beside(&mut user, &gate, "/slow/cart", &[other]).await;
        assert_eq!(reply.status, status, "{other}");
        assert!(!reply.sets_cookie(), "{other}");
    }
}

/// One who planted the cookie writes what could have been written before, and learns nothing.
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

async fn behind<S: Store + Clone>(site: &Site<S>) -> (Client, Client) {
    let mut user = site.serve(routes(&Gate::new()));
    user.post("/cart/tea").await;
    let former = user.clone();
    user.post("/login/7").await;
    (user, former)
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

/// A sign-in that ends the guest's session instead of giving it a new id.
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
    let by_parts = Site::on(Plain::default());
    let mut user = by_parts.serve(routes(&Gate::new()));
    user.post("/cart/tea").await;
    let mut former = user.clone();
    user.post("/anew/7").await;
    assert_eq!(user.get("/me").await.body, "7");
    assert_eq!(former.post("/logout").await.status, StatusCode::SEE_OTHER);
    assert_eq!(user.get("/me").await.body, "guest");
}

/// What is begun in the place of an ended session without a sign-in is nothing that the former id leads to.
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
    former_logout(&Site::on(Plain::default())).await;
    former_logout(&Site::kept(Kept::InCookies)).await;
}

/// It goes on to the id of now, however often that has changed.
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
        // As long as any of its cookies could be accepted.
        site.wait_seconds(3_600);
        assert_eq!(user.get("/me").await.body, "guest", "{kept:?}");
    }
}

/// Nothing tells one cookie of the session from another: both are what they were.
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
        // Four are tried.
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
    assert_eq!(reply.status, StatusCode::CONFLICT);
    assert!(reply.sets_cookie(), "the browser forgets what it has");
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
async fn g16_a_sign_in_that_a_logout_overtakes_is_told() {
    for kept in Kept::REVOCABLY {
        let site = Site::kept(kept);
        let gate = Gate::new();
        let mut user = site.serve(routes(&gate));
        user.post("/cart/tea").await;
        let reply = beside(&mut user, &gate, "/slow/login/8", &["/logout"]).await;
        assert_eq!(reply.status, StatusCode::CONFLICT, "{kept:?}");
        assert!(!reply.sets_cookie());
    }
}

/// Two guests with carts meet for one place, and each stops where the other may come between.
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
                let who = if is_in { "ada" } else { "guest" };
                assert!(is_in || reply.status == StatusCode::CONFLICT, "{case}");
                assert_eq!(guest.get("/who").await.body, who, "{case}");
                assert_eq!(guest.get("/cart").await.body, "tea", "{case}");
                members += usize::from(is_in);
            }
            assert_eq!(members, 1, "{at_limit:?} {operation:?} {moment:?}");
        }
    }
}

/// One guest clicks twice, and the first request stops where the second may come between.
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

/// The request may go on for a moment. After that, no browser can have the id of its session.
#[tokio::test]
async fn g16_a_sign_in_that_has_stopped_half_way_takes_no_place() {
    let store = Plain::default();
    let spy = Spy::new(store.clone()).sealed();
    let site = Site::over(spy, Kept::OnServer, |layer| {
        layer.sessions_per_user(1, AtLimit::Refuse)
    });
    let visitor = site.serve(routes(&Gate::new()));
    let (mut stopped, mut other) = (visitor.clone(), visitor.clone());
    assert_eq!(stopped.post("/join/ada").await.status, StatusCode::OK);
    *store.is_full.lock().unwrap() = true;
    assert!(stopped.post("/login/7").await.status.is_server_error());
    *store.is_full.lock().unwrap() = false;
    assert_eq!(other.post("/join/ada").await.status, StatusCode::CONFLICT);
    site.wait_seconds(15);
    assert_eq!(other.post("/join/ada").await.status, StatusCode::OK);
    assert_eq!(other.post("/end-others").await.body, "0");
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

#[tokio::test]
async fn g16_a_session_that_is_none_cannot_be_detached_and_is_no_failure() {
    let site = Site::new();
    let logs = Logs::capture();
    let mut guest = site.serve(routes(&Gate::new()));
    assert_eq!(guest.post("/detach").await.status, StatusCode::UNAUTHORIZED);
    let (_, mut former) = behind(&site).await;
    assert_eq!(former.post("/detach").await.status, StatusCode::CONFLICT);
    assert_eq!(logs.with(&["ERROR"]), [""; 0]);
}

#[tokio::test]
async fn g16_what_is_no_session_in_the_store_is_a_guests_until_a_logout_removes_it() {
    let store = Plain::default();
    let site = Site::on(store.clone());
    let mut user = site.serve(routes(&Gate::new()));
    user.post("/login/7").await;
    *store.garbage.lock().unwrap() = true;
    let logs = Logs::capture();
    let reply = user.get("/me").await;
    assert_eq!((reply.status, &*reply.body), (StatusCode::OK, "guest"));
    assert_eq!(logs.with(&["ERROR"]).len(), 1);
    user.post("/logout").await;
    assert!(!*store.garbage.lock().unwrap(), "it was removed");
}

#[tokio::test]
async fn g16_a_row_that_was_overwritten_is_said_once_and_goes_with_a_logout() {
    let store = Plain::default();
    let site = Site::on(store.clone());
    let mut user = site.serve(routes(&Gate::new()));
    user.post("/login/7").await;
    let mut other = user.clone();
    *store.is_overwritten.lock().unwrap() = true;
    let logs = Logs::capture();
    for _ in 0..2 {
        let reply = user.get("/me").await;
        assert_eq!((reply.status, &*reply.body), (StatusCode::OK, "guest"));
    }
    assert_eq!(logs.with(&["ERROR", "plain_values"]).len(), 1);
    assert_eq!(logs.with(&["ERROR"]).len(), 1, "{}", logs.text());
    user.post("/logout").await;
    *store.is_overwritten.lock().unwrap() = false;
    assert_eq!(other.get("/me").await.body, "guest", "it was removed");
}

/// What a session leaves that has begun anew is seen as long as the clock of a node is behind.
#[tokio::test]
async fn g16_what_has_ended_is_no_error() {
    let site = Site::new();
    let other = site.restarted(|layer| layer);
    let now = site.clock().now().as_unix_seconds();
    other.clock().set(now - 5);
    let mut ahead = site.serve(routes(&Gate::new()));
    ahead.post("/cart/tea").await;
    let cookie = ahead.cookies().unwrap();
    ahead.post("/farewell").await;
    let logs = Logs::capture();
    let mut behind = other.serve(routes(&Gate::new())).showing(cookie);
    assert_eq!(behind.get("/me").await.body, "guest");
    assert_eq!(logs.with(&["ERROR"]), [""; 0]);
}
