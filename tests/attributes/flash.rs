//! `flash`, compared with a plain field that is taken.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{BuildHasherDefault, DefaultHasher};

use axum::Router;
use http::{Method, StatusCode};
use starsessions::{CurrentSession, Session};
use starsessions_tests::client::Client;
use starsessions_tests::routing::{get, post};
use starsessions_tests::site::Site;

#[derive(Session)]
struct Notes {
    #[session(flash)]
    notice: Option<String>,
    #[session(flash)]
    errors: Vec<String>,
    #[session(flash, expires = "10m")]
    hints: VecDeque<u32>,
    plain: Option<String>,
    plain_list: Vec<String>,
}

async fn with_messages() -> Client {
    let mut browser = Client::guest();
    browser
        .with(|notes: &mut Session<Notes>| {
            notes.notice = Some("first".to_owned());
            notes.errors = vec!["first".to_owned()];
            notes.hints = VecDeque::from([1]);
            notes.plain = Some("first".to_owned());
            notes.plain_list = vec!["first".to_owned()];
        })
        .await;
    browser
}

/// The values that are left; list items are separated by commas.
async fn left(browser: &mut Client) -> [String; 5] {
    browser
        .with(|notes: &mut Session<Notes>| {
            [
                notes.notice.clone().unwrap_or_default(),
                notes.errors.join(","),
                notes.hints.iter().map(u32::to_string).collect(),
                notes.plain.clone().unwrap_or_default(),
                notes.plain_list.join(","),
            ]
        })
        .await
}

fn take(notes: &mut Session<Notes>) {
    assert_eq!(notes.notice.take().as_deref(), Some("first"));
    assert_eq!(std::mem::take(&mut notes.errors), ["first"]);
    assert_eq!(std::mem::take(&mut notes.hints), [1]);
    assert_eq!(notes.plain.take().as_deref(), Some("first"));
    assert_eq!(std::mem::take(&mut notes.plain_list), ["first"]);
}

/// A plain field loses the newer message; a `flash` field keeps it.
#[tokio::test]
async fn who_takes_what_it_has_seen_leaves_what_came_since() {
    let mut browser = with_messages().await;
    let set = |notes: &mut Session<Notes>| {
        notes.notice = Some("second".to_owned());
        notes.errors.push("second".to_owned());
        notes.hints.push_back(2);
        notes.plain = Some("second".to_owned());
        notes.plain_list.push("second".to_owned());
    };
    let reply = browser.overtaken(set, take).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(left(&mut browser).await, ["second", "second", "2", "", ""]);
}

#[tokio::test]
async fn two_that_take_the_same_message_both_have_it_and_it_is_gone() {
    let mut browser = with_messages().await;
    let reply = browser.overtaken(take, take).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(left(&mut browser).await, ["", "", "", "", ""]);
}

#[tokio::test]
async fn of_two_messages_that_are_set_at_once_the_later_stays_and_lists_have_both() {
    let mut browser = with_messages().await;
    let reply = browser
        .overtaken(
            |notes: &mut Session<Notes>| {
                notes.notice = Some("theirs".to_owned());
                notes.errors.push("theirs".to_owned());
            },
            |notes: &mut Session<Notes>| {
                notes.notice = Some("mine".to_owned());
                notes.errors.push("mine".to_owned());
            },
        )
        .await;
    assert_eq!(reply.status, StatusCode::OK);
    let [notice, errors, ..] = left(&mut browser).await;
    assert_eq!(
        (notice.as_str(), errors.as_str()),
        ("mine", "first,theirs,mine")
    );
}

/// After a rollback, the message is still there.
#[tokio::test]
async fn a_rollback_puts_it_back() {
    let mut browser = with_messages().await;
    browser
        .visit(async |all: CurrentSession, mut notes: Session<Notes>| {
            take(&mut notes);
            drop(notes);
            all.rollback();
        })
        .await;
    assert_eq!(left(&mut browser).await[0], "first");
}

#[derive(Session)]
struct Form {
    /// Messages by the name of the input.
    #[session(flash)]
    errors: BTreeMap<String, String>,
    #[session(flash)]
    hints: HashMap<u8, u32, BuildHasherDefault<DefaultHasher>>,
}

fn add(form: &mut Session<Form>, input: &str, error: &str) {
    form.errors.insert(input.to_owned(), error.to_owned());
    form.hints.insert(input.len() as u8, error.len() as u32);
}

/// The text of a page: the errors, then the hints.
fn shown(form: &mut Session<Form>) -> String {
    let errors = std::mem::take(&mut form.errors);
    let hints: BTreeMap<_, _> = std::mem::take(&mut form.hints).into_iter().collect();
    format!("{errors:?} {hints:?}")
}

const NOTHING: &str = "{} {}";

#[tokio::test]
async fn the_messages_of_a_map_are_shown_once() {
    let mut browser = Client::guest();
    browser
        .with(|form: &mut Session<Form>| add(form, "mail", "missing"))
        .await;
    assert_eq!(browser.with(shown).await, r#"{"mail": "missing"} {4: 7}"#);
    assert_eq!(browser.with(shown).await, NOTHING);
}

#[tokio::test]
async fn what_comes_into_a_map_while_it_is_shown_stays_under_a_new_key_and_under_a_shown_one() {
    let mut browser = Client::guest();
    browser
        .with(|form: &mut Session<Form>| {
            add(form, "mail", "missing");
            add(form, "name", "missing");
            add(form, "phone", "missing");
        })
        .await;
    let theirs = |form: &mut Session<Form>| {
        add(form, "phone", "too short");
        add(form, "street", "unknown");
    };
    let reply = browser
        .overtaken(theirs, |form: &mut Session<Form>| {
            shown(form);
        })
        .await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(
        browser.with(shown).await,
        r#"{"phone": "too short", "street": "unknown"} {5: 9, 6: 7}"#
    );
    assert_eq!(browser.with(shown).await, NOTHING);
}

/// Two versions of an application run side by side.
#[tokio::test]
async fn a_message_under_a_former_name_waits_for_a_page_that_is_shown_too() {
    #[derive(Session)]
    #[session(namespace = "page")]
    struct Former {
        #[session(flash)]
        note: Option<String>,
    }
    #[derive(Session)]
    #[session(namespace = "page")]
    struct Today {
        #[session(flash, alias = "note")]
        notice: Option<String>,
    }
    let say = post(async |mut page: Session<Former>| page.note = Some("first".to_owned()));
    let show = get(async |mut page: Session<Today>| page.notice.take().unwrap_or_default());
    let routes = Router::new().route("/say", say).route("/", show);
    let mut client = Site::new().serve(routes);
    client.post("/say").await;
    client.send(Method::HEAD, "/").await;
    assert_eq!(client.get("/").await.body, "first");
}

/// Inserting a whole struct removes no message that the struct was read without.
#[tokio::test]
async fn a_struct_that_a_prefetch_inserts_removes_no_message() {
    #[derive(Session)]
    struct Page {
        #[session(flash)]
        notice: Option<String>,
        #[session(flash)]
        errors: Vec<u32>,
        visits: u32,
    }
    let say = post(async |mut page: Session<Page>| {
        (page.notice, page.errors) = (Some("first".to_owned()), vec![1]);
    });
    let count = get(async |session: CurrentSession| {
        let mut page: Page = session.get().await?.unwrap();
        let shown = format!("{:?} {:?} {}", page.notice.take(), page.errors, page.visits);
        page.errors.clear();
        page.visits += 1;
        session.insert(page).map(|()| shown)
    });
    let routes = Router::new().route("/say", say).route("/", count);
    let mut client = Site::new().serve(routes);
    client.post("/say").await;
    client.send(Method::HEAD, "/").await;
    assert_eq!(client.get("/").await.body, r#"Some("first") [1] 1"#);
    assert_eq!(client.get("/").await.body, "None [] 2");
}

/// The rule holds with the message, so a prefetch that does not see the message must not break it.
#[tokio::test]
async fn what_the_struct_allows_with_its_message_is_there_for_a_prefetch_too() {
    fn allowed(page: &Page) -> Result<(), &'static str> {
        let is_told = page.failures == 0 || page.notice.is_some();
        is_told.then_some(()).ok_or("a failure without a message")
    }
    #[derive(Session)]
    #[session(validate = allowed)]
    struct Page {
        #[session(flash)]
        notice: Option<String>,
        failures: u32,
    }
    let fail = post(async |mut page: Session<Page>| {
        (page.notice, page.failures) = (Some("first".to_owned()), 1);
    });
    let show = get(async |page: Session<Page>| format!("{:?} {}", page.notice, page.failures));
    let act = post(async |mut page: Session<Page>| page.failures += 1);
    let routes = Router::new()
        .route("/fail", fail)
        .route("/", show.merge(act));
    let mut client = Site::new().serve(routes);
    client.post("/fail").await;
    let prefetch = [("sec-purpose", "prefetch")];
    let seen = client.ask_with(Method::GET, "/", &prefetch).await;
    assert_eq!(seen.body, "None 1");
    // The prefetch cannot write without the message, but its failed write does not lose the message.
    let refused = client.ask_with(Method::POST, "/", &prefetch).await;
    assert_eq!(refused.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(client.get("/").await.body, r#"Some("first") 1"#);
}
