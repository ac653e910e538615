//! `until = rotate`: fields that do not survive a change of privileges.

use std::time::Duration;

use http::StatusCode;
use starsessions::{CurrentSession, Session, SessionError};
use starsessions_tests::client::Client;
use starsessions_tests::site::{Kept, Site};

#[derive(Session)]
struct Login {
    #[session(rotate)]
    user: Option<u64>,
}

#[derive(Session)]
struct Shop {
    cart: Vec<String>,
    #[session(until = rotate)]
    back_to: Option<String>,
}

#[derive(Session)]
#[session(until = rotate)]
struct Draft {
    title: String,
    #[session(alias = "text")]
    body: String,
}

/// The struct before it got the attribute.
#[derive(Session)]
#[session(namespace = "draft")]
struct OldDraft {
    title: String,
    text: String,
}

/// The struct after it lost the attribute.
#[derive(Session)]
#[session(namespace = "draft")]
struct NewDraft {
    #[session(alias = "~title")]
    title: String,
    #[session(alias = "~body")]
    body: String,
}

async fn visitor(kept: Kept) -> Client {
    let site = Site::kept(kept);
    let mut browser = Client::behind(site.sessions.layer());
    browser
        .with(|shop: &mut Session<Shop>| {
            shop.cart.push("tea".to_owned());
            shop.back_to = Some("https://evil.example".to_owned());
        })
        .await;
    browser
        .with(|draft: &mut Session<Draft>| {
            draft.title = "title".to_owned();
            draft.body = "body".to_owned();
        })
        .await;
    browser
}

/// The fields that are left: the size of the cart, whether there is a path to go back to, and the draft.
async fn left(browser: &Client) -> (usize, bool, String) {
    let mut browser = browser.clone();
    let shop = browser
        .with(|shop: &mut Session<Shop>| (shop.cart.len(), shop.back_to.is_some()))
        .await;
    let draft = browser
        .with(|draft: &mut Session<Draft>| format!("{}{}", draft.title, draft.body))
        .await;
    (shop.0, shop.1, draft)
}

fn everything() -> (usize, bool, String) {
    (1, true, "titlebody".to_owned())
}

fn the_cart_alone() -> (usize, bool, String) {
    (1, false, String::new())
}

#[tokio::test]
async fn a_sign_in_a_change_of_user_and_a_sign_out_each_end_it() {
    for kept in Kept::ANYWHERE {
        for users in [[Some(7), None], [Some(7), Some(8)]] {
            let mut browser = visitor(kept).await;
            assert_eq!(left(&browser).await, everything());
            let mut is_first = true;
            for user in users {
                browser
                    .with(move |login: &mut Session<Login>| login.user = user)
                    .await;
                assert_eq!(left(&browser).await, the_cart_alone(), "{kept:?} {user:?}");
                if std::mem::take(&mut is_first) {
                    browser
                        .with(|draft: &mut Session<Draft>| draft.title = "new".to_owned())
                        .await;
                    assert_eq!(left(&browser).await.2, "new");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_new_id_that_is_asked_for_ends_it() {
    let mut browser = visitor(Kept::OnServer).await;
    browser
        .visit(async |session: CurrentSession| session.rotate())
        .await;
    assert_eq!(left(&browser).await, the_cart_alone());
}

#[tokio::test]
async fn a_renewal_by_age_and_other_changes_leave_it() {
    let site = Site::with(|layer| layer.renewal(Duration::from_secs(600)));
    let mut browser = Client::behind(site.sessions.layer());
    browser
        .with(|draft: &mut Session<Draft>| draft.title = "title".to_owned())
        .await;
    let before = browser.cookies();
    site.wait_seconds(601);
    browser
        .with(|shop: &mut Session<Shop>| shop.cart.push("milk".to_owned()))
        .await;
    assert_ne!(browser.cookies(), before);
    assert_eq!(left(&browser).await.2, "title");
}

#[tokio::test]
async fn what_is_written_with_the_sign_in_belongs_to_it() {
    for kept in Kept::ANYWHERE {
        let mut browser = visitor(kept).await;
        let sign_in = async |session: CurrentSession,
                             mut draft: Session<Draft>|
               -> Result<(), SessionError> {
            draft.title = "mine".to_owned();
            session.insert(Login { user: Some(7) })
        };
        assert_eq!(browser.visit(sign_in).await.status, StatusCode::OK);
        let expected = (1, false, "mine".to_owned());
        assert_eq!(left(&browser).await, expected, "{kept:?}");
    }
}

#[tokio::test]
async fn a_sign_in_that_fails_leaves_it() {
    let mut browser = visitor(Kept::OnServer).await;
    let fail = async |mut login: Session<Login>| {
        login.user = Some(7);
        StatusCode::INTERNAL_SERVER_ERROR
    };
    browser.visit(fail).await;
    assert_eq!(left(&browser).await, everything());
}

#[tokio::test]
async fn values_from_before_the_attribute_are_read_and_end_once_they_are_written() {
    let mut browser = visitor(Kept::OnServer).await;
    browser
        .with(|old: &mut Session<OldDraft>| {
            old.title = "old".to_owned();
            old.text = "text".to_owned();
        })
        .await;
    let mut fresh = Client::behind(Site::new().sessions.layer());
    fresh
        .with(|old: &mut Session<OldDraft>| {
            old.title = "old".to_owned();
            old.text = "text".to_owned();
        })
        .await;
    assert_eq!(left(&fresh).await.2, "oldtext");
    fresh
        .with(|draft: &mut Session<Draft>| {
            draft.title.push('!');
            draft.body.push('!');
        })
        .await;
    assert_eq!(left(&fresh).await.2, "old!text!");
    fresh
        .with(|login: &mut Session<Login>| login.user = Some(7))
        .await;
    assert_eq!(left(&fresh).await.2, "");
}

#[tokio::test]
async fn a_field_that_loses_the_attribute_reads_its_former_values_by_an_alias() {
    let mut browser = visitor(Kept::OnServer).await;
    let body = browser
        .with(|draft: &mut Session<NewDraft>| {
            draft.title.push('!');
            draft.body.clone()
        })
        .await;
    assert_eq!(body, "body");
    browser
        .with(|login: &mut Session<Login>| login.user = Some(7))
        .await;
    let left = browser
        .with(|draft: &mut Session<NewDraft>| (draft.title.clone(), draft.body.clone()))
        .await;
    assert_eq!(left, ("title!".to_owned(), String::new()));
}

/// The sign-in uses the view too, and the use moves the idle deadline of the field that the sign-in ends.
#[tokio::test]
async fn an_idle_deadline_that_is_due_keeps_nothing_alive() {
    #[derive(Session)]
    struct Guest {
        #[session(until = rotate, idle = "15m")]
        back_to: Option<String>,
    }
    for kept in Kept::ANYWHERE {
        let site = Site::kept(kept);
        let mut browser = Client::behind(site.sessions.layer());
        browser
            .with(|guest: &mut Session<Guest>| guest.back_to = Some("planted".to_owned()))
            .await;
        site.wait_seconds(120);
        let sign_in = async |session: CurrentSession, _: Session<Guest>| {
            session.insert(Login { user: Some(7) })
        };
        assert_eq!(browser.visit(sign_in).await.status, StatusCode::OK);
        let left = browser
            .with(|guest: &mut Session<Guest>| guest.back_to.clone())
            .await;
        assert_eq!(left, None, "{kept:?}");
    }
}

/// The struct in an older version of the application.
#[derive(Session)]
#[session(namespace = "account")]
struct OldAccount {
    #[session(rotate)]
    user: Option<u64>,
}

#[derive(Session)]
struct Account {
    #[session(rotate)]
    user: Option<u64>,
    #[session(rotate, until = rotate)]
    tenant: Option<u64>,
    #[session(rotate)]
    role: Option<u64>,
}

/// A rolling deploy. A field without `until` is kept, like every field that a process does not know.
#[tokio::test]
async fn a_sign_in_by_a_process_that_does_not_know_it_ends_it() {
    for kept in Kept::ANYWHERE {
        let mut browser = Client::behind(Site::kept(kept).sessions.layer());
        browser
            .with(|account: &mut Session<Account>| {
                (account.user, account.tenant, account.role) = (Some(7), Some(1), Some(1));
            })
            .await;
        browser
            .with(|account: &mut Session<OldAccount>| account.user = Some(8))
            .await;
        let left = browser
            .with(|account: &mut Session<Account>| (account.user, account.tenant, account.role))
            .await;
        assert_eq!(left, (Some(8), None, Some(1)), "{kept:?}");
    }
}
