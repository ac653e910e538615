//! 12. Garbage and duplicates.

use std::time::Duration;

use axum::response::AppendHeaders;
use http::StatusCode;
use http::header::SET_COOKIE;
use starsessions::CurrentSession;
use starsessions::config::Clock as _;
use starsessions::store::{Store as _, StoreError};
use starsessions_tests::logs::Logs;
use starsessions_tests::routing::post;
use starsessions_tests::site::{Kept, Site};
use starsessions_tests::spy::{Moment, Operation};

use starsessions_tests::shop;

const NAME: &str = "__Host-Http-id";

#[tokio::test]
async fn scenario_12_a_cookie_that_is_not_ours_is_a_visitor_and_never_an_error() {
    for kept in Kept::ANYWHERE {
        let mut stranger = Site::kept(kept).serve(shop::routes());
        stranger.post("/login/8").await;
        let client = Site::kept(kept).serve(shop::routes());
        let mut user = client.clone();
        user.post("/login/7").await;
        let valid = user.cookies().unwrap();
        let garbage: [(&str, Vec<u8>); 10] = [
            ("of a dropped key", stranger.cookies().unwrap().into()),
            ("truncated", valid[..valid.len() - 1].into()),
            ("with one more letter", format!("{valid}A").into()),
            (
                "of another app",
                format!("{NAME}=s%3Aabcdef.0123456789").into(),
            ),
            (
                "8 KiB of letters",
                format!("{NAME}={}", "A".repeat(8 * 1024)).into(),
            ),
            (
                "8 KiB of bytes",
                [NAME.as_bytes(), b"=", &[0xFE; 8 * 1024]].concat(),
            ),
            ("without a value", format!("{NAME}=").into()),
            ("in quotes", valid.replacen('=', "=\"", 1).into_bytes()),
            ("with another case", valid.to_lowercase().into()),
            ("without anything", Vec::new()),
        ];
        for (what, cookie) in garbage {
            let reply = client.showing(cookie).get("/me").await;
            let seen = (reply.status, reply.body.as_str());
            assert_eq!(seen, (StatusCode::OK, "guest"), "{kept:?}: a cookie {what}");
            assert!(!reply.sets_cookie(), "{kept:?}: a cookie {what}");
        }
    }
}

#[tokio::test]
async fn scenario_12_of_two_cookies_the_valid_one_wins_wherever_it_stands() {
    for kept in Kept::ANYWHERE {
        let mut client = Site::kept(kept).serve(shop::routes());
        client.post("/login/7").await;
        let valid = client.cookies().unwrap();
        let stale = format!("{NAME}=stale");
        for both in [format!("{stale}; {valid}"), format!("{valid}; {stale}")] {
            assert_eq!(client.showing(both).get("/me").await.body, "7", "{kept:?}");
        }
    }
}

#[tokio::test]
async fn scenario_12_two_cookies_of_two_sessions_are_nobodys() {
    for kept in Kept::ANYWHERE {
        let mut client = Site::kept(kept).serve(shop::routes());
        let mut planted = client.clone();
        client.post("/login/7").await;
        planted.post("/login/8").await;
        let both = format!(
            "{}; {}",
            client.cookies().unwrap(),
            planted.cookies().unwrap()
        );
        assert_eq!(
            client.showing(both).get("/me").await.body,
            "guest",
            "{kept:?}"
        );
    }
}

/// The list of ended sessions is not sealed, and any id is enough to write a circle into it.
#[tokio::test]
async fn scenario_12_ended_sessions_that_lead_in_a_circle_are_ended_sessions() {
    for seconds in [0, 1 << 60] {
        let site = Site::kept(Kept::InCookies);
        let mut client = site.serve(shop::with_logout());
        client.post("/language/en").await;
        client.post("/login/7").await;
        let mut former = client.clone();
        client.post("/login/8").await;
        let (store, now) = (site.store.store(), site.clock().now());
        let [first, second] = *site.store.keys() else {
            panic!("two ids have ended");
        };
        let to_second = store.load(&first, now).await.unwrap().unwrap().value;
        let mut row = store.remove(&second).await.unwrap().expect("it has ended");
        row.value = to_second;
        row.last_seen = now + Duration::from_secs(seconds);
        store.insert(&second, &row, now).await.unwrap();

        let logs = Logs::capture();
        let left = former.post("/logout").await.status;
        let is_recent = seconds == 0;
        assert_eq!(left == StatusCode::SERVICE_UNAVAILABLE, is_recent, "{left}");
        assert_eq!(!logs.with(&["circle"]).is_empty(), is_recent);
        assert_eq!(former.get("/me").await.body, "guest");
        assert_eq!(client.get("/me").await.body, "8");
    }
}

/// Something is there, so the id has ended.
#[tokio::test]
async fn scenario_12_a_damaged_entry_of_an_ended_session_is_one() {
    let site = Site::kept(Kept::InCookies);
    let mut client = site.serve(shop::with_logout());
    client.post("/login/7").await;
    for operation in [Operation::Load, Operation::Insert] {
        let damaged = || StoreError::Corrupt("of another type".into());
        site.store.fail_with(operation, Moment::Before, damaged);
    }
    assert_eq!(client.get("/me").await.body, "guest");
    for path in ["/language/en", "/login/8", "/logout"] {
        let status = client.clone().post(path).await.status;
        assert!(!status.is_server_error(), "{path}: {status}");
    }
}

/// This name has no `__Host-` prefix, so the site may once have set it for the whole domain.
#[tokio::test]
async fn scenario_12_a_leftover_of_a_former_domain_is_removed_where_it_is_met() {
    let site = Site::with(|layer| {
        layer
            .cookie(|cookie| cookie.name("__Secure-id"))
            .former_cookie(|cookie| cookie.domain("example.com"))
    });
    let mut client = site.serve(shop::routes());
    client.post("/login/7").await;
    let valid = client.cookies().unwrap();
    assert!(
        !client.get("/me").await.sets_cookie(),
        "one cookie, one session"
    );

    let reply = client
        .showing(format!("__Secure-id=leftover; {valid}"))
        .get("/me")
        .await;
    assert_eq!(reply.body, "7");
    let removal =
        "__Secure-id=; HttpOnly; SameSite=Lax; Secure; Path=/; Domain=example.com; Max-Age=0";
    assert_eq!(reply.set_cookies(), [removal]);
    assert_eq!(reply.all("cache-control"), ["private, no-store"]);
    assert_eq!(
        client.get("/me").await.body,
        "7",
        "the cookie of today is another one"
    );

    let strangers = client.showing("__Secure-id=one; __Secure-id=two");
    assert!(
        !strangers.clone().get("/me").await.sets_cookie(),
        "nobody is signed in"
    );
}

/// A response that sets the current cookie does not remove the leftover: it sends one `Set-Cookie` per name.
#[tokio::test]
async fn scenario_12_a_leftover_waits_until_the_cookie_of_today_has_nothing_to_say() {
    let site = Site::with(|layer| {
        layer.cookie(|cookie| {
            cookie
                .same_site(starsessions::SameSite::None)
                .partitioned(true)
        })
    });
    let mut client = site.serve(shop::routes());
    client.post("/login/7").await;
    let valid = client.cookies().unwrap();
    let mut both = client.showing(format!("{valid}; {NAME}=unpartitioned"));

    let read = both.get("/me").await;
    assert_eq!(read.body, "7");
    let removal = format!("{NAME}=; HttpOnly; SameSite=None; Secure; Path=/; Max-Age=0");
    assert_eq!(
        read.set_cookies(),
        [removal],
        "the twin, not the partitioned one"
    );

    let signed_in_anew = both.post("/login/8").await;
    let set = signed_in_anew.set_cookies();
    assert_eq!(set.len(), 1, "{set:?}");
    assert!(set[0].contains("; Partitioned"), "{set:?}");
}

/// Both sessions are alive: the one from before the move, and the current one.
#[tokio::test]
async fn scenario_12_a_leftover_with_a_session_of_its_own_shuts_nobody_out_for_good() {
    let site = Site::with(|layer| {
        layer
            .cookie(|cookie| cookie.name("__Secure-id"))
            .former_cookie(|cookie| cookie.domain("example.com"))
    });
    let visitor = site.serve(shop::routes());
    let mut before = visitor.clone();
    before.post("/cart/tea").await;
    let mut after = visitor.clone();
    after.post("/login/7").await;
    let both = format!(
        "{}; {}",
        before.cookies().unwrap(),
        after.cookies().unwrap()
    );
    let reply = visitor.showing(both).get("/me").await;
    assert_eq!(reply.body, "guest");
    let removal =
        "__Secure-id=; HttpOnly; SameSite=Lax; Secure; Path=/; Domain=example.com; Max-Age=0";
    assert_eq!(reply.set_cookies(), [removal]);
}

#[tokio::test]
async fn scenario_12_a_cookie_of_the_application_whose_name_begins_like_ours_is_another_one() {
    let theme = format!("{NAME}-theme=dark; Path=/; Secure; HttpOnly");
    let planted = format!("{NAME}=planted; Path=/; Secure; HttpOnly");
    let own = [theme.clone(), planted].map(|cookie| (SET_COOKIE, cookie));
    let sign_in = async move |session: CurrentSession| {
        session
            .insert(shop::Login { user: 7 })
            .map(|()| AppendHeaders(own))
    };
    let mut user = Site::new().serve(shop::routes().route("/in", post(sign_in)));
    let reply = user.post("/in").await;
    let [first, session] = reply.set_cookies()[..] else {
        panic!("{reply:?}");
    };
    assert_eq!(first, theme);
    assert!(session.starts_with(&format!("{NAME}=")), "{session}");
    assert_eq!(user.cookies().unwrap().split("; ").count(), 2);
    assert_eq!(user.get("/me").await.body, "7");
}
