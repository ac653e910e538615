//! `rotate`: a change of the field gives the session a new id and invalidates the old one.

use std::time::Duration;

use starsessions::testing::TestSessions;
use starsessions::{CurrentSession, Session};
use starsessions_tests::client::Client;
use starsessions_tests::logs::Logs;

#[derive(Session)]
struct Login {
    #[session(rotate)]
    user: Option<u64>,
    visits: u32,
}

#[derive(Session)]
struct Shop {
    cart: Vec<String>,
}

/// A visitor with something in the cart, not signed in.
async fn visitor() -> Client {
    let mut browser = Client::guest();
    browser
        .with(|shop: &mut Session<Shop>| shop.cart.push("tea".to_owned()))
        .await;
    browser
}

async fn user() -> Client {
    let mut browser = visitor().await;
    browser
        .with(|login: &mut Session<Login>| login.user = Some(7))
        .await;
    browser
}

async fn state(browser: &Client) -> (Option<u64>, usize) {
    let mut browser = browser.clone();
    let user = browser.with(|login: &mut Session<Login>| login.user).await;
    let items = browser
        .with(|shop: &mut Session<Shop>| shop.cart.len())
        .await;
    (user, items)
}

const NOBODY: (Option<u64>, usize) = (None, 0);

#[tokio::test]
async fn a_change_moves_the_session_to_a_new_id_and_the_old_one_is_dead() {
    let mut browser = visitor().await;
    let before = browser.clone();
    browser
        .with(|login: &mut Session<Login>| login.user = Some(7))
        .await;
    assert_ne!(browser.cookies(), before.cookies());
    assert_eq!(
        state(&browser).await,
        (Some(7), 1),
        "everything moves along"
    );
    assert_eq!(state(&before).await, NOBODY, "without any grace");
}

#[tokio::test]
async fn another_change_rotates_again() {
    let mut browser = user().await;
    let before = browser.clone();
    browser
        .with(|login: &mut Session<Login>| login.user = Some(8))
        .await;
    assert_ne!(browser.cookies(), before.cookies());
    assert_eq!(state(&browser).await, (Some(8), 1));
    assert_eq!(state(&before).await, NOBODY);
}

#[tokio::test]
async fn a_removal_rotates() {
    let mut browser = user().await;
    let before = browser.clone();
    browser
        .with(|login: &mut Session<Login>| login.user = None)
        .await;
    assert_ne!(browser.cookies(), before.cookies());
    assert_eq!(state(&browser).await, (None, 1));
    assert_eq!(state(&before).await, NOBODY, "not even as a guest");
}

#[tokio::test]
async fn a_removal_of_the_view_rotates() {
    let mut browser = user().await;
    let before = browser.clone();
    browser
        .visit(|session: CurrentSession| async move { session.remove::<Login>() })
        .await;
    assert_ne!(browser.cookies(), before.cookies());
    assert_eq!(state(&browser).await, (None, 1));
    assert_eq!(state(&before).await, NOBODY);
}

#[tokio::test]
async fn an_insert_rotates_even_over_the_same_value() {
    let mut browser = user().await;
    let before = browser.clone();
    let (user, visits) = (Some(7), 0);
    browser.insert(Login { user, visits }).await;
    assert_ne!(browser.cookies(), before.cookies());
    assert_eq!(state(&browser).await, (Some(7), 1));
    assert_eq!(state(&before).await, NOBODY);
}

#[tokio::test]
async fn a_first_write_begins_a_session_that_was_never_known_before() {
    let elsewhere = Client::guest();
    let mut browser = visitor().await.at(&elsewhere);
    let planted = browser.clone();
    browser
        .with(|login: &mut Session<Login>| login.user = Some(7))
        .await;
    assert_ne!(
        browser.cookies(),
        planted.cookies(),
        "an id of another origin"
    );
    assert_eq!(state(&planted).await, NOBODY);
    assert_eq!(state(&browser).await, (Some(7), 0));
}

#[tokio::test]
async fn other_fields_do_not_rotate() {
    let mut browser = user().await;
    let before = browser.clone();
    for _ in 0..3 {
        browser
            .with(|login: &mut Session<Login>| login.visits += 1)
            .await;
        browser
            .with(|shop: &mut Session<Shop>| shop.cart.push("milk".to_owned()))
            .await;
    }
    assert_eq!(browser.cookies(), before.cookies());
}

#[tokio::test]
async fn a_change_that_is_taken_back_does_not_rotate() {
    let mut browser = user().await;
    let reply = browser
        .visit(|mut login: Session<Login>| async move {
            login.user = None;
            login.user = Some(7);
        })
        .await;
    assert!(!reply.sets_cookie());
}

#[tokio::test]
async fn removing_what_is_not_there_does_not_rotate() {
    let mut browser = visitor().await;
    let reply = browser
        .visit(|session: CurrentSession| async move { session.remove::<Login>() })
        .await;
    assert!(!reply.sets_cookie());
}

#[tokio::test]
async fn a_slow_request_under_the_old_id_writes_as_before_the_sign_in() {
    let mut browser = visitor().await;
    let mut other = browser.clone();
    let reply = browser
        .held(|shop: &mut Session<Shop>| shop.cart.clear(), async {
            other
                .with(|login: &mut Session<Login>| login.user = Some(7))
                .await;
        })
        .await;
    assert!(!reply.sets_cookie(), "no cookie from the request that lost");
    assert_eq!(state(&other).await, (Some(7), 0));
}

#[tokio::test]
async fn two_sign_ins_at_once_leave_one_session() {
    let mut browser = visitor().await;
    let mut first = browser.clone();
    let reply = browser
        .held(|login: &mut Session<Login>| login.user = Some(8), async {
            first
                .with(|login: &mut Session<Login>| login.user = Some(7))
                .await;
        })
        .await;
    assert!(!reply.sets_cookie());
    assert_eq!(state(&first).await, (Some(7), 1));
    assert_eq!(state(&browser).await, NOBODY);
}

#[tokio::test]
async fn rotating_does_not_lengthen_the_session() {
    let test = TestSessions::new();
    let mut browser = Client::behind(test.layer());
    for round in 0..25 {
        browser
            .with(move |login: &mut Session<Login>| login.user = Some(round))
            .await;
        test.clock().advance(Duration::from_secs(57 * 60));
    }
    // 23 h 45 min after the first write; the session was never idle for an hour.
    let user =
        async |browser: &mut Client| browser.with(|login: &mut Session<Login>| login.user).await;
    assert_eq!(user(&mut browser).await, Some(24));
    test.clock().advance(Duration::from_secs(15 * 60 - 1));
    assert_eq!(user(&mut browser).await, Some(24));
    test.clock().advance(Duration::from_secs(1));
    assert_eq!(user(&mut browser).await, None, "24 h after the first write");
}

#[derive(Session)]
struct Profile {
    #[session(required, rotate)]
    user: u64,
    #[session(rotate)]
    token: String,
    #[session(rotate)]
    is_admin: bool,
    #[session(rotate, exclusive)]
    roles: Vec<String>,
    #[session(rotate)]
    confirmed: Option<u32>,
    visits: u32,
}

/// Signs a user in with a token, applies these changes of the profile, and returns the logged warnings.
async fn warnings(changes: &[fn(&mut Session<Profile>)]) -> Vec<String> {
    let mut browser = Client::guest();
    let profile = Profile {
        user: 7,
        token: "first".to_owned(),
        is_admin: false,
        roles: vec!["reader".to_owned()],
        confirmed: None,
        visits: 1,
    };
    browser.insert(profile).await;
    let logs = Logs::capture();
    for change in changes {
        browser.with(*change).await;
    }
    logs.with(&["WARN", "struct of its own without `rotate`"])
}

#[cfg(debug_assertions)]
#[tokio::test]
async fn development_builds_warn_once_of_data_that_is_refreshed_beside_an_identity() {
    let told = warnings(&[
        |profile| profile.token = "second".to_owned(),
        |profile| profile.token = "third".to_owned(),
    ])
    .await;
    assert_eq!(told.len(), 1, "{told:?}");
    for named in [
        "Profile",
        "field=\"profile.token\"",
        "identity=\"profile.user\"",
    ] {
        assert!(told[0].contains(named), "{named}: {told:?}");
    }
}

#[tokio::test]
async fn what_is_a_privilege_is_changed_without_a_warning() {
    let told = warnings(&[
        |profile| profile.visits += 1,
        |profile| profile.is_admin = true,
        |profile| profile.roles.push("writer".to_owned()),
        |profile| profile.confirmed = Some(1),
        |profile| profile.confirmed = None,
        |profile| {
            profile.user = 8;
            profile.token = "second".to_owned();
        },
    ])
    .await;
    assert!(told.is_empty(), "{told:?}");
}
