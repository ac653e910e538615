//! Absent fields: with no attribute, `default`, `required`, `reject`.

use axum::response::IntoResponse;
use http::StatusCode;
use starsessions::{KeyRing, MemoryStore, Session, SessionLayer, SessionRejection};
use starsessions_tests::client::Client;
use starsessions_tests::spy::Spy;

#[derive(Session)]
struct Shop {
    cart: Vec<String>,
    views: u64,
    note: Option<String>,
}

#[derive(Session)]
struct Preferences {
    #[session(default = 20)]
    page_size: u32,
    #[session(default = vec!["en".to_owned(), "de".to_owned()])]
    languages: Vec<String>,
    #[session(default = Some(3))]
    columns: Option<u8>,
    #[session(default = half())]
    volume: f32,
}

fn half() -> f32 {
    0.5
}

#[derive(Session)]
struct Login {
    #[session(required)]
    user: u64,
    name: String,
}

#[derive(Session)]
#[session(reject = "/login?from=cart")]
struct Member {
    #[session(required)]
    number: u64,
    #[session(required)]
    since: u32,
}

#[tokio::test]
async fn an_absent_field_is_its_types_default_and_reading_it_stores_nothing() {
    let mut browser = Client::guest();
    let reply = browser
        .visit(|shop: Session<Shop>| async move {
            format!("{:?} {} {:?}", shop.cart, shop.views, shop.note)
        })
        .await;
    assert_eq!(reply.body, "[] 0 None");
    assert!(!reply.sets_cookie());
}

#[tokio::test]
async fn what_is_written_is_there_in_the_next_request_and_the_rest_stays_absent() {
    let mut browser = Client::guest();
    browser
        .with(|shop: &mut Session<Shop>| shop.cart.push("tea".to_owned()))
        .await;
    browser
        .with(|shop: &mut Session<Shop>| {
            assert_eq!(shop.cart, ["tea"]);
            assert_eq!((shop.views, shop.note.as_deref()), (0, None));
            shop.note = Some("hi".to_owned());
        })
        .await;
    let taken = browser
        .with(|shop: &mut Session<Shop>| shop.note.take())
        .await;
    assert_eq!(taken.as_deref(), Some("hi"));
    let again = browser
        .with(|shop: &mut Session<Shop>| (shop.note.take(), shop.cart.len()))
        .await;
    assert_eq!(again, (None, 1), "a flash message is there once");
}

#[tokio::test]
async fn an_absent_field_is_its_default_expression() {
    let mut browser = Client::guest();
    let first =
        |it: &mut Session<Preferences>| (it.page_size, it.languages.clone(), it.columns, it.volume);
    let languages = vec!["en".to_owned(), "de".to_owned()];
    let expected = (20, languages, Some(3), 0.5);
    assert_eq!(browser.with(first).await, expected);

    let reply = browser
        .visit(|mut it: Session<Preferences>| async move { it.page_size = 0 })
        .await;
    assert!(reply.sets_cookie());
    let (page_size, languages, ..) = browser.with(first).await;
    assert_eq!(page_size, 0, "a stored zero is not the default");
    assert_eq!(languages.len(), 2);
}

#[tokio::test]
async fn a_default_that_is_written_back_is_no_change() {
    let mut browser = Client::guest();
    let reply = browser
        .visit(|mut it: Session<Preferences>| async move {
            it.page_size = 20;
            it.columns = Some(3);
        })
        .await;
    assert!(!reply.sets_cookie());
}

#[tokio::test]
async fn an_option_with_a_default_remembers_that_it_was_emptied() {
    let mut browser = Client::guest();
    browser
        .with(|it: &mut Session<Preferences>| it.columns = None)
        .await;
    let columns = browser
        .with(|it: &mut Session<Preferences>| it.columns)
        .await;
    assert_eq!(columns, None);
}

#[tokio::test]
async fn a_request_without_a_required_field_is_401_and_the_handler_does_not_run() {
    let mut browser = Client::guest();
    let reply = browser
        .visit(|_: Session<Login>| async { "the handler ran" })
        .await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    assert_eq!((reply.location(), reply.sets_cookie()), (None, false));
    assert_eq!(reply.body, "Sign in first.");
}

#[tokio::test]
async fn a_request_without_a_required_field_is_sent_to_where_reject_says() {
    let mut browser = Client::guest();
    let reply = browser.visit(|_: Session<Member>| async {}).await;
    assert_eq!(reply.status, StatusCode::SEE_OTHER);
    assert_eq!(reply.location(), Some("/login?from=cart"));
}

#[tokio::test]
async fn every_required_field_must_be_there() {
    #[derive(Session)]
    #[session(namespace = "member")]
    struct Half {
        number: u64,
    }
    let mut browser = Client::guest();
    browser.with(|it: &mut Session<Half>| it.number = 7).await;
    let reply = browser
        .visit(
            |member: Result<Session<Member>, SessionRejection>| async move {
                match member {
                    Err(SessionRejection::Absent(absence)) => absence.field(),
                    _ => "",
                }
            },
        )
        .await;
    assert_eq!(reply.body, "member.since");
}

#[tokio::test]
async fn a_required_field_that_is_there_lets_the_request_in() {
    let mut browser = signed_in().await;
    let name = browser
        .with(|login: &mut Session<Login>| {
            login.name.push('!');
            login.user
        })
        .await;
    assert_eq!(name, 7);
    let name = browser
        .with(|login: &mut Session<Login>| login.name.clone())
        .await;
    assert_eq!(name, "Ada!");
}

#[tokio::test]
async fn an_optional_view_is_none_for_a_guest_and_some_for_a_user() {
    let who = |login: Option<Session<Login>>| async move {
        login.map_or("guest".to_owned(), |login| login.name.clone())
    };
    assert_eq!(Client::guest().visit(who).await.body, "guest");
    assert_eq!(signed_in().await.visit(who).await.body, "Ada");
}

#[tokio::test]
async fn an_optional_view_of_defaults_is_always_some() {
    let is_some = |shop: Option<Session<Shop>>| async move { shop.is_some().to_string() };
    assert_eq!(Client::guest().visit(is_some).await.body, "true");
}

#[tokio::test]
async fn a_result_lets_the_handler_decide() {
    let who = |login: Result<Session<Login>, SessionRejection>| async move {
        match login {
            Ok(login) => login.name.clone().into_response(),
            Err(rejection) => (StatusCode::IM_A_TEAPOT, rejection.to_string()).into_response(),
        }
    };
    let reply = Client::guest().visit(who).await;
    assert_eq!(reply.status, StatusCode::IM_A_TEAPOT);
    assert_eq!(
        reply.body,
        "the session has no `login.user`, which `Login` requires"
    );
    assert_eq!(signed_in().await.visit(who).await.body, "Ada");
}

#[tokio::test]
async fn a_store_that_fails_is_never_a_guest() {
    let keys = KeyRing::generate().unwrap();
    let mut browser = signed_in()
        .await
        .at(&Client::behind(SessionLayer::dev(broken(), keys.clone())));
    // An id that this library did not issue causes no store access.
    let optional = |login: Option<Session<Login>>| async move { login.is_none().to_string() };
    assert_eq!(browser.visit(optional).await.body, "true");

    let store = MemoryStore::new();
    let mut browser = Client::behind(SessionLayer::dev(store, keys.clone()));
    browser.insert(ada()).await;
    let mut browser = browser.at(&Client::behind(SessionLayer::dev(broken(), keys)));
    let replies = [
        browser.visit(optional).await,
        browser.visit(|_: Session<Login>| async {}).await,
        browser.visit(|_: Session<Shop>| async {}).await,
    ];
    for reply in replies {
        assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
        assert!(!reply.sets_cookie());
    }
    let decided = browser
        .visit(
            |login: Result<Session<Login>, SessionRejection>| async move {
                matches!(login, Err(SessionRejection::Failed(_))).to_string()
            },
        )
        .await;
    assert_eq!(decided.body, "true");
}

async fn signed_in() -> Client {
    let mut browser = Client::guest();
    browser.insert(ada()).await;
    browser
}

fn ada() -> Login {
    let name = "Ada".to_owned();
    Login { user: 7, name }
}

/// A store that cannot be reached.
fn broken() -> Spy<MemoryStore> {
    let store = Spy::new(MemoryStore::new());
    store.fail_all();
    store
}
