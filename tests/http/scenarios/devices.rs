//! 14. Properties that hold on every store; sessions in cookies cannot be listed.

use std::time::Duration;

use axum::Router;
use axum::extract::Path;
use http::{Method, StatusCode};
use starsessions::config::{AtLimit, Clock as _};
use starsessions::store::{Store as _, Touch, Touched};
use starsessions::testing::TestClock;
use starsessions::{
    CurrentSession, KeyRing, Lifetime, MemoryStore, Session, SessionError, SessionLayer, Timestamp,
};
use starsessions_tests::client::Client;
use starsessions_tests::gate::Gate;
use starsessions_tests::routing::{get, post};
use starsessions_tests::site::{Kept, Site};
use starsessions_tests::spy::{Calls, Moment, Operation};

#[derive(Session)]
struct Account {
    #[session(required, index)]
    user: u64,
}

#[tokio::test]
async fn scenario_14_sessions_that_are_cookies_say_that_they_cannot_be_listed() {
    let site = Site::kept(Kept::InCookies);
    let sign_in = get(async |session: CurrentSession| session.insert(Account { user: 7 }));
    let list = get(async |session: CurrentSession| session.list::<Account>().await.map(|_| ()));
    let mut client = site.serve(Router::new().route("/in", sign_in).route("/list", list));
    client.get("/in").await;
    let reply = client.get("/list").await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    let revoked = site.sessions.layer().revoke_all::<Account>(&7).await;
    assert!(matches!(revoked, Err(SessionError::Unlisted)));
}

/// Memory that also holds the keys stores values unsealed.
#[tokio::test]
async fn scenario_14_a_label_is_shown_where_values_are_plain() {
    let site = Site::new();
    let sign_in = get(async |session: CurrentSession| {
        session.insert(Account { user: 7 })?;
        session.set_label("Firefox on Linux")
    });
    let mut client = site.serve(Router::new().route("/in", sign_in));
    client.get("/in").await;
    let list = site.sessions.layer().list::<Account>(&7).await.unwrap();
    let labels: Vec<_> = list.iter().map(|session| session.label()).collect();
    assert_eq!(labels, [Some("Firefox on Linux")]);
    let shown = serde_json::to_value(&list).unwrap();
    assert_eq!(shown[0]["label"], "Firefox on Linux");
    assert!(!format!("{list:?}").contains("Firefox"));
}

#[tokio::test]
async fn scenario_14_a_list_begins_with_the_session_that_was_used_last() {
    let site = Site::new();
    let sign_in = get(async |session: CurrentSession| session.insert(Account { user: 7 }));
    let me = get(async |_account: Session<Account>| ());
    let routes = Router::new().route("/in", sign_in).route("/", me);
    let mut browsers = [site.serve(routes.clone()), site.serve(routes)];
    for browser in &mut browsers {
        browser.get("/in").await;
        site.wait_seconds(600);
    }
    let mut first_of_lists = Vec::new();
    for browser in &mut browsers {
        browser.get("/").await;
        site.wait_seconds(600);
        let list = site.sessions.layer().list::<Account>(&7).await.unwrap();
        assert!(list[0].last_seen_at > list[1].last_seen_at);
        first_of_lists.push(list[0].created_at);
    }
    assert!(first_of_lists[0] < first_of_lists[1]);
}

/// The revoking layer is a job, or a node that already has shorter timeouts.
#[tokio::test]
async fn scenario_14_a_revocation_ends_what_other_layers_still_take() {
    let (store, keys) = (MemoryStore::new(), KeyRing::generate().unwrap());
    let clock = TestClock::at(1_800_000_000);
    let layer = |lifetime| {
        let layer = SessionLayer::builder(store.clone(), keys.clone()).local_development();
        layer
            .lifetime(lifetime)
            .clock(clock.clone())
            .build()
            .unwrap()
    };
    let sign_in = get(async |session: CurrentSession| session.insert(Account { user: 7 }));
    let me = get(async |_account: Session<Account>| ());
    let app = Router::new().route("/in", sign_in).route("/", me);
    let mut client = Client::new(&app.layer(layer(Lifetime::aal1())));
    client.get("/in").await;
    clock.advance(Duration::from_secs(2 * 3_600));
    let job = layer(Lifetime::aal3());
    assert!(job.list::<Account>(&7).await.unwrap().is_empty());
    assert_eq!(job.revoke_all::<Account>(&7).await.unwrap(), 1);
    assert_eq!(client.get("/").await.status, StatusCode::UNAUTHORIZED);
}

#[derive(Session)]
struct Team {
    #[session(index)]
    team: Option<u64>,
    visits: u64,
}

/// Only a write that changes a listed property updates the listing; each of these does.
#[tokio::test]
async fn scenario_14_the_list_follows_what_is_written() {
    let site = Site::with(|layer| layer.remembered_lifetime(Lifetime::aal1()));
    let join = get(async |mut team: Session<Team>| team.team = Some(3));
    let leave = get(async |mut team: Session<Team>| team.team = None);
    let visit = get(async |mut team: Session<Team>| team.visits += 1);
    let remember = get(async |session: CurrentSession| session.remember(true));
    let routes = Router::new().route("/join", join).route("/leave", leave);
    let routes = routes.route("/visit", visit).route("/remember", remember);
    let label = get(async |session: CurrentSession| session.set_label("Firefox"));
    let routes = routes.route("/label", label);
    let mut client = site.serve(routes);
    let layer = site.sessions.layer();
    for (path, listed) in [
        ("/visit", None),
        ("/join", Some((false, None))),
        ("/visit", Some((false, None))),
        ("/remember", Some((true, None))),
        ("/label", Some((true, Some("Firefox")))),
        ("/visit", Some((true, Some("Firefox")))),
        ("/leave", None),
        ("/join", Some((true, Some("Firefox")))),
    ] {
        client.get(path).await;
        let sessions = layer.list_by("team.team", &3_u64).await.unwrap();
        let shown = sessions.first().map(|it| (it.remembered, it.label()));
        assert_eq!(shown, listed, "after {path}");
    }
}

/// Two versions of an application run side by side; each writes the name that it knows.
#[tokio::test]
async fn scenario_14_a_session_under_two_names_is_listed_once() {
    #[derive(Session)]
    #[session(namespace = "player")]
    struct Former {
        #[session(index)]
        uid: Option<u64>,
    }
    #[derive(Session)]
    #[session(namespace = "player")]
    struct Today {
        #[session(index, alias = "uid")]
        user: Option<u64>,
    }
    let former = post(async |mut player: Session<Former>| player.uid = Some(7));
    let today = post(async |mut player: Session<Today>| player.user = Some(7));
    let list = get(async |session: CurrentSession| {
        let all = session.list::<Today>().await?;
        Ok::<_, SessionError>(all.len().to_string())
    });
    let routes = Router::new().route("/former", former);
    let routes = routes.route("/today", today).route("/list", list);
    let mut client = Site::new().serve(routes);
    client.post("/today").await;
    client.post("/former").await;
    assert_eq!(client.get("/list").await.body, "1");
}

fn accounts() -> Router {
    let sign_in = async |session: CurrentSession| session.insert(Account { user: 7 });
    Router::new()
        .route("/in", get(sign_in))
        .route("/me", get(async |_: Session<Account>| ()))
}

/// A user who changes the password must be told if a thief was faster and ended the user's session: an answer as if
/// there were no other session would leave the thief signed in.
#[tokio::test]
async fn scenario_14_a_session_that_was_ended_meanwhile_cannot_end_the_others_and_says_so() {
    let site = Site::new();
    let gate = Gate::new();
    let held = gate.clone();
    let routes = accounts()
        .route(
            "/out",
            get(async |session: CurrentSession| session.destroy()),
        )
        .route(
            "/others",
            get(
                |account: Session<Account>, session: CurrentSession| async move {
                    held.pass().await;
                    drop(account);
                    let ended = session.revoke_others::<Account>().await?;
                    Ok::<_, SessionError>(ended.to_string())
                },
            ),
        );
    let mut owner = site.serve(routes);
    let mut thief = owner.clone();
    owner.get("/in").await;
    thief.get("/in").await;
    let change = tokio::spawn(owner.ask(Method::GET, "/others"));
    gate.reached().await;
    owner.get("/out").await;
    gate.open();
    let reply = change.await.unwrap();
    assert_eq!(reply.status, StatusCode::CONFLICT, "{}", reply.body);
    assert!(!reply.sets_cookie());
    assert_eq!(thief.get("/me").await.status, StatusCode::OK);
}

/// Another tab renews the id after the request has loaded its session and before it lists the others.
#[tokio::test]
async fn scenario_14_a_session_that_ends_the_others_stays_also_under_a_new_id() {
    let site = Site::with(|layer| layer.renewal(Duration::from_secs(900)));
    let routes = accounts().route(
        "/others",
        get(async |session: CurrentSession| {
            let ended = session.revoke_others::<Account>().await?;
            Ok::<_, SessionError>(ended.to_string())
        }),
    );
    let mut owner = site.serve(routes);
    let mut thief = owner.clone();
    owner.get("/in").await;
    thief.get("/in").await;
    site.wait_seconds(1_000);
    let mut tab = owner.clone();
    let about_to_list = (Operation::List, Moment::Before, 0);
    let others = owner.ask(Method::GET, "/others");
    let (gate, others) = site.store.stop_at(about_to_list, others).await.unwrap();
    assert!(tab.get("/me").await.sets_cookie(), "the id is renewed");
    gate.open();
    assert_eq!(others.await.unwrap().body, "1");
    assert_eq!(thief.get("/me").await.status, StatusCode::UNAUTHORIZED);
    for browser in [&mut owner, &mut tab] {
        assert_eq!(browser.get("/me").await.status, StatusCode::OK);
    }
}

/// Several sessions can begin in one second: a test stops the clock, or sign-ins come in a flood.
#[tokio::test]
async fn scenario_14_a_session_of_the_same_second_is_not_taken_for_another_ones_later_id() {
    let site = Site::new();
    let sign_in = async |session: CurrentSession| session.insert(Account { user: 7 });
    let name = async |session: CurrentSession, Path(name): Path<String>| session.set_label(name);
    let end = async |session: CurrentSession, Path(name): Path<String>| {
        let list = session.list::<Account>().await?;
        let named = list.iter().find(|it| it.label() == Some(&name)).unwrap();
        let ended = session.revoke::<Account>(named.id).await?;
        Ok::<_, SessionError>(ended.to_string())
    };
    let routes = Router::new()
        .route("/in", get(sign_in))
        .route("/name/{name}", get(name))
        .route("/renew", get(async |it: CurrentSession| it.rotate()))
        .route("/end/{name}", get(end))
        .route("/me", get(async |it: Session<Account>| it.user.to_string()));
    let mut devices = [(); 4].map(|()| site.serve(routes.clone()));
    for (device, name) in devices
        .iter_mut()
        .zip(["phone", "laptop", "tablet", "watch"])
    {
        device.get("/in").await;
        device.get(&format!("/name/{name}")).await;
    }
    let [phone, laptop, tablet, watch] = &mut devices;
    site.sessions.clock().advance(Duration::from_secs(1));
    for device in [&mut *laptop, &mut *tablet] {
        device.get("/renew").await;
    }
    assert_eq!(laptop.get("/end/phone").await.body, "true");
    assert_eq!(phone.get("/me").await.status, StatusCode::UNAUTHORIZED);
    for device in [&mut *laptop, &mut *tablet, &mut *watch] {
        assert_eq!(device.get("/me").await.status, StatusCode::OK);
    }

    // A job ends the session with the label `watch`.
    let layer = site.sessions.layer();
    let list = layer.list::<Account>(&7).await.unwrap();
    let watches = list.iter().find(|it| it.label() == Some("watch"));
    let ended = layer.revoke_by("account.user", &7_u64, watches.map(|it| it.id));
    assert_eq!(ended.await.unwrap(), 1);
    assert_eq!(watch.get("/me").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(layer.list::<Account>(&7).await.unwrap().len(), 2);
}

/// Otherwise the page would show the user's own session as another device, and the user would end it.
#[tokio::test]
async fn scenario_14_a_list_knows_its_own_session_beside_a_renewal() {
    let site = Site::with(|layer| layer.renewal(Duration::from_secs(900)));
    let list = async |session: CurrentSession| {
        let listed = session.list::<Account>().await?;
        let own = listed.iter().map(|session| session.is_current);
        Ok::<_, SessionError>(format!("{:?}", own.collect::<Vec<_>>()))
    };
    let sign_in = get(async |session: CurrentSession| session.insert(Account { user: 7 }));
    let routes = Router::new()
        .route("/in", sign_in)
        .route("/me", get(async |_: Session<Account>| ()))
        .route("/list", get(list));
    let mut owner = site.serve(routes);
    owner.clone().get("/in").await;
    owner.get("/in").await;
    site.wait_seconds(1_000);
    let about_to_list = (Operation::List, Moment::Before, 0);
    let listing = owner.ask(Method::GET, "/list");
    let (gate, listing) = site.store.stop_at(about_to_list, listing).await.unwrap();
    assert!(owner.get("/me").await.sets_cookie(), "the id is renewed");
    gate.open();
    assert_eq!(listing.await.unwrap().body, "[true, false]");
}

/// A second end would distort the count of ended sessions and add store calls.
#[tokio::test]
async fn scenario_14_a_session_that_ends_itself_by_its_handle_is_ended_once() {
    let site = Site::new();
    let end = async |session: CurrentSession| {
        let own = session.list::<Account>().await?.remove(0);
        assert!(own.is_current);
        assert!(session.revoke::<Account>(own.id).await?);
        assert!(session.list::<Account>().await?.is_empty());
        Ok::<_, SessionError>(())
    };
    let end_and_begin = async move |session: CurrentSession| {
        end(session.clone()).await?;
        session.insert(Account { user: 8 })
    };
    let routes = Router::new()
        .route(
            "/in",
            get(async |session: CurrentSession| session.insert(Account { user: 7 })),
        )
        .route("/end", get(end))
        .route("/begin", get(end_and_begin))
        .route(
            "/me",
            get(async |account: Session<Account>| account.user.to_string()),
        );
    for (path, creates) in [("/end", 0), ("/begin", 1)] {
        let mut client = site.serve(routes.clone());
        client.get("/in").await;
        let mut former = client.clone();
        let _ = site.store.take_calls();
        let reply = client.get(path).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}");
        let calls = Calls {
            loads: 1,
            replaces: 1,
            // One list for the page, one to find the session, one to show that nothing is left.
            lists: 3,
            inserts: creates,
            ..Calls::NONE
        };
        assert_eq!(site.store.take_calls(), calls, "{path}");
        assert_eq!(former.get("/me").await.status, StatusCode::UNAUTHORIZED);
        if creates == 0 {
            assert_eq!(reply.max_age(), Some(0), "the browser is told");
        } else {
            assert_eq!(client.get("/me").await.body, "8");
        }
    }
}

/// Sign-ins that end other sessions take turns; a sign-in that cannot release its turn keeps it for two minutes.
#[tokio::test(start_paused = true)]
async fn scenario_14_a_sign_in_that_keeps_its_turn_holds_up_no_other() {
    let site = Site::with(|layer| layer.sessions_per_user(2, AtLimit::EndOldest));
    let sign_in = get(async |session: CurrentSession| session.insert(Account { user: 7 }));
    let visitor = site.serve(Router::new().route("/in", sign_in));
    site.store.fail(Operation::Remove, Moment::Before);
    assert_eq!(visitor.clone().get("/in").await.status, StatusCode::OK);
    site.store.recover();
    for _ in 0..3 {
        assert_eq!(visitor.clone().get("/in").await.status, StatusCode::OK);
    }
    let left = site.sessions.layer().list::<Account>(&7).await.unwrap();
    assert_eq!(left.len(), 2);
}

/// The store's word keeps the claim of a sign-in for ever.
#[tokio::test(start_paused = true)]
async fn scenario_14_a_claim_that_never_expires_keeps_no_place() {
    let site = Site::with(|layer| layer.sessions_per_user(2, AtLimit::Refuse));
    let sign_in = get(async |session: CurrentSession| session.insert(Account { user: 7 }));
    let visitor = site.serve(Router::new().route("/in", sign_in));
    site.store.fail(Operation::Remove, Moment::Before);
    assert_eq!(visitor.clone().get("/in").await.status, StatusCode::OK);
    site.store.recover();
    let (store, now) = (site.store.store(), site.clock().now());
    let claim = site.store.keys()[0];
    let row = store.load(&claim, now).await.unwrap().expect("a claim");
    let for_ever = Touch::new(now, Timestamp::from_unix_seconds(u64::MAX));
    let touched = store.touch(&claim, &row, for_ever, now).await.unwrap();
    assert_eq!(touched, Touched::Touched);
    let refused = visitor.clone().get("/in").await.status;
    assert_eq!(refused, StatusCode::CONFLICT, "it may be under way");
    site.wait_seconds(121);
    assert_eq!(visitor.clone().get("/in").await.status, StatusCode::OK);
}

#[tokio::test]
async fn scenario_14_a_session_that_cannot_be_ended_protects_no_other() {
    let site = Site::new();
    let sign_in = get(async |session: CurrentSession| session.insert(Account { user: 7 }));
    let visitor = site.serve(Router::new().route("/in", sign_in));
    for mut device in [visitor.clone(), visitor.clone(), visitor] {
        device.get("/in").await;
    }
    let gate = site.store.hold(Operation::Replace, Moment::Before);
    let layer = site.sessions.layer();
    let revoke = tokio::spawn(async move { layer.revoke_all::<Account>(&7).await });
    gate.reached().await;
    site.store.fail(Operation::Replace, Moment::Before);
    gate.open();
    for _ in 0..2 {
        gate.reached().await;
        site.store.recover();
        gate.open();
    }
    let revoked = revoke.await.unwrap();
    assert!(matches!(revoked, Err(SessionError::Unavailable(_))));
    site.store.release();
    let layer = site.sessions.layer();
    assert_eq!(layer.list::<Account>(&7).await.unwrap().len(), 1);
    assert_eq!(layer.revoke_all::<Account>(&7).await.unwrap(), 1);
}

/// Each of two concurrent sign-ins could end another device, which would be one device too many.
#[tokio::test(start_paused = true)]
async fn scenario_14_sign_ins_at_once_end_no_device_too_many() {
    let site = Site::with(|layer| layer.sessions_per_user(3, AtLimit::EndOldest));
    let sign_in = get(async |session: CurrentSession| session.insert(Account { user: 7 }));
    let routes = Router::new().route("/in", sign_in);
    let visitor = site.serve(routes.route("/me", get(async |_: Session<Account>| ())));
    let mut oldest = visitor.clone();
    oldest.get("/in").await;
    for mut device in [visitor.clone(), visitor.clone()] {
        site.wait_seconds(1);
        device.get("/in").await;
    }
    // The oldest device is about to be ended, and is used at this moment.
    let has_listed = (Operation::List, Moment::After, 1);
    let first = visitor.ask(Method::GET, "/in");
    let first = site.store.stop_at(has_listed, first).await;
    let (gate, first) = first.expect("it looks for devices to end");
    site.wait_seconds(60);
    assert_eq!(oldest.get("/me").await.status, StatusCode::OK);
    let second = tokio::spawn(visitor.ask(Method::GET, "/in"));
    tokio::time::sleep(Duration::from_millis(100)).await;
    gate.open();
    for sign_in in [first, second] {
        assert_eq!(sign_in.await.unwrap().status, StatusCode::OK);
    }
    let left = site.sessions.layer().list::<Account>(&7).await.unwrap();
    assert_eq!(left.len(), 3);
}

async fn sign_in_anew(session: CurrentSession) -> Result<(), SessionError> {
    session.destroy()?;
    session.insert(Account { user: 7 })
}

/// A user signs in anew after another device has taken the place, and must not get a second one.
#[tokio::test]
async fn scenario_14_a_session_that_made_room_is_one_more_when_it_begins_anew() {
    for (at_limit, status) in [
        (AtLimit::EndOldest, StatusCode::OK),
        (AtLimit::Refuse, StatusCode::CONFLICT),
    ] {
        let site = Site::with(|layer| layer.sessions_per_user(1, at_limit));
        let gate = Gate::new();
        let held = gate.clone();
        let routes = Router::new()
            .route("/in", get(sign_in_anew))
            .route(
                "/out",
                get(async |session: CurrentSession| session.destroy()),
            )
            .route(
                "/slow",
                get(
                    |account: Session<Account>, session: CurrentSession| async move {
                        drop(account);
                        held.pass().await;
                        sign_in_anew(session).await
                    },
                ),
            );
        let mut first = site.serve(routes);
        let mut second = first.clone();
        first.get("/in").await;
        assert_eq!(
            first.get("/in").await.status,
            StatusCode::OK,
            "its own place"
        );
        let slow = tokio::spawn(first.ask(Method::GET, "/slow"));
        gate.reached().await;
        first.get("/out").await;
        assert_eq!(second.get("/in").await.status, StatusCode::OK);
        // Of two sessions that began in the same second, either may count as the newest.
        site.wait_seconds(1);
        gate.open();
        assert_eq!(slow.await.unwrap().status, status, "{at_limit:?}");
        let left = site.sessions.layer().list::<Account>(&7).await.unwrap();
        assert_eq!(left.len(), 1, "{at_limit:?}");
    }
}

/// A failed sign-in has set no cookie in a browser, so it must not take a place.
#[tokio::test]
async fn scenario_14_a_sign_in_that_cannot_be_counted_leaves_nobody() {
    let site = Site::with(|layer| layer.sessions_per_user(1, AtLimit::EndOldest));
    let mut client = site.serve(Router::new().route("/in", get(sign_in_anew)));
    site.store.fail(Operation::List, Moment::Before);
    let reply = client.get("/in").await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(!reply.sets_cookie());
    assert_eq!(site.rows(), 0);
    site.store.recover();
    assert_eq!(client.get("/in").await.status, StatusCode::OK);
    assert_eq!(site.rows(), 1);
}
