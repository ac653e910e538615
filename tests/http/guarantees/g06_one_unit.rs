//! G6: all changes of one request land in one store operation.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use axum::Router;
use http::{Method, StatusCode};
use starsessions::testing::stored_fields;
use starsessions::{CurrentSession, Session, SessionError};
use starsessions_tests::gate::Gate;
use starsessions_tests::logs::Logs;
use starsessions_tests::routing::post;
use starsessions_tests::site::Site;
use starsessions_tests::spy::{Calls, Moment, Operation, Write};

use starsessions_tests::shop::{self, Login, Shop};

#[derive(Session)]
struct Account {
    #[session(index)]
    email: Option<String>,
    #[session(rotate)]
    role: u8,
}

async fn everything(
    session: CurrentSession,
    mut shop: Session<Shop>,
    mut account: Session<Account>,
) {
    shop.cart.push("tea".to_owned());
    shop.views += 1;
    account.email = Some("ada@shop.example".to_owned());
    account.role += 1;
    drop(account);
    session.insert(Login { user: 7 }).unwrap();
    session.remember(true).unwrap();
}

fn routes() -> Router {
    shop::routes().route("/everything", post(everything))
}

#[tokio::test]
async fn g06_a_first_request_is_one_create() {
    let site = Site::new();
    let mut client = site.serve(routes());
    let reply = client.post("/everything").await;
    assert_eq!(
        site.store.take_calls(),
        Calls {
            inserts: 1,
            ..Calls::NONE
        }
    );
    assert_eq!(reply.set_cookies().len(), 1);
}

#[tokio::test]
async fn g06_many_views_a_rotation_and_an_index_are_one_rotate() {
    let site = Site::new();
    let mut client = site.serve(routes());
    client.post("/views").await;
    let _ = (site.store.take_calls(), site.store.take_writes());

    let reply = client.post("/everything").await;

    assert_eq!(
        site.store.take_calls(),
        Calls {
            loads: 1,
            rotates: 1,
            ..Calls::NONE
        }
    );
    assert_eq!(reply.set_cookies().len(), 1);
    let writes = site.store.take_writes();
    let [Write::Rotate { row, .. }] = &writes[..] else {
        panic!("one rotation: {writes:?}");
    };
    let fields = stored_fields(row).unwrap();
    let names: Vec<_> = fields.iter().map(|field| &*field.name).collect();
    let all = [
        "account.email",
        "account.role",
        "login.user",
        "shop.cart",
        "shop.views",
    ];
    assert_eq!(names, all);
    assert_eq!(row.index_keys().len(), 1);
    assert!(reply.max_age().is_some(), "it is remembered");
}

#[tokio::test]
async fn g06_a_logout_and_a_new_session_are_one_rotate() {
    let site = Site::new();
    let farewell = post(async |session: CurrentSession| {
        session.destroy().unwrap();
        let mut shop = session.view::<Shop>().await.unwrap();
        shop.notice = Some("goodbye".to_owned());
    });
    let notice = axum::routing::get(async |shop: Session<Shop>| shop.notice.clone().unwrap());
    let routes = shop::routes()
        .route("/farewell", farewell)
        .route("/notice", notice);
    let mut client = site.serve(routes);
    client.post("/login/7").await;
    let _ = site.store.take_calls();

    client.post("/farewell").await;

    assert_eq!(
        site.store.take_calls(),
        Calls {
            loads: 1,
            rotates: 1,
            ..Calls::NONE
        }
    );
    assert_eq!(client.get("/me").await.body, "guest");
    assert_eq!(client.get("/notice").await.body, "goodbye");
    assert_eq!(site.rows(), 1);
}

#[tokio::test]
async fn g06_a_value_that_cannot_be_stored_takes_the_others_with_it() {
    let site = Site::with(|layer| layer.field_limit(100));
    let half = post(
        async |mut shop: Session<Shop>, mut account: Session<Account>| {
            account.email = Some("ada@shop.example".to_owned());
            shop.notice = Some("x".repeat(101));
            shop.views += 1;
        },
    );
    let mut client = site.serve(routes().route("/half", half));
    client.post("/language/en").await;
    let _ = site.store.take_calls();

    let reply = client.post("/half").await;

    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(
        site.store.take_calls(),
        Calls {
            loads: 1,
            ..Calls::NONE
        }
    );
    assert_eq!(client.get("/language").await.body, "en");
}

#[derive(Session)]
struct Reset {
    #[session(exclusive)]
    token: Option<String>,
}

/// The error response says that the change was not saved, so the changes of held views must be dropped too.
#[tokio::test]
async fn g06_an_error_that_answers_takes_the_changes_of_views_that_are_held_with_it() {
    let gate = Gate::new();
    let held = gate.clone();
    let slow = post(
        move |mut shop: Session<Shop>, mut reset: Session<Reset>| async move {
            shop.language = Some("en".to_owned());
            reset.token = Some("mine".to_owned());
            held.pass().await;
            reset.commit().await
        },
    );
    let fast = post(async |mut reset: Session<Reset>| reset.token = Some("theirs".to_owned()));
    let routes = shop::routes().route("/slow", slow).route("/fast", fast);
    let mut client = Site::new().serve(routes);
    client.post("/views").await;
    let late = tokio::spawn(client.ask(Method::POST, "/slow"));
    gate.reached().await;
    client.post("/fast").await;
    gate.open();
    let late = late.await.unwrap();
    assert_eq!(late.status, StatusCode::CONFLICT);
    assert!(late.body.contains("this change was not saved"), "{late:?}");
    assert_eq!(client.get("/language").await.body, "");
}

#[tokio::test]
async fn g06_a_change_after_the_response_has_left_is_an_error_in_the_log() {
    let logs = Logs::capture();
    let site = Site::new();
    let (send, kept) = std::sync::mpsc::channel();
    let keep = post(async move |shop: Session<Shop>, session: CurrentSession| {
        send.send((shop, session)).unwrap();
    });
    let mut client = site.serve(shop::routes().route("/keep", keep));
    client.post("/keep").await;
    client.post("/keep").await;
    let (mut shop, session) = kept.recv().unwrap();

    shop.views += 1;
    assert!(matches!(shop.commit().await, Err(SessionError::Closed)));
    assert!(matches!(
        session.insert(Login { user: 7 }),
        Err(SessionError::Closed)
    ));
    assert!(matches!(session.destroy(), Err(SessionError::Closed)));
    shop.views += 1;
    drop(shop);

    kept.recv().unwrap().0.views += 1;

    for level in ["ERROR", "DEBUG"] {
        let lines = logs.with(&[
            level,
            "view=\"Shop\"",
            "after its response had left",
            "`detach`",
        ]);
        assert_eq!(lines.len(), 1, "{}", logs.text());
    }
    assert_eq!(site.store.take_calls(), Calls::NONE);
}

#[derive(Session)]
struct Form {
    #[session(validate = short)]
    text: String,
}

fn short(text: &str) -> Result<(), &'static str> {
    if text.len() < 4 {
        Ok(())
    } else {
        Err("too long")
    }
}

/// A task keeps a view and changes it after the response has left.
#[tokio::test]
async fn g06_a_change_after_the_answer_is_seen_in_the_log_whatever_is_wrong_with_it() {
    for text in ["abc", "abcd"] {
        let logs = Logs::capture();
        let kept = Arc::new(Mutex::new(None));
        let keep = Arc::clone(&kept);
        let lend = post(move |form: Session<Form>| async move {
            *keep.lock().unwrap() = Some(form);
        });
        let site = Site::new();
        let mut client = site.serve(Router::new().route("/lend", lend));
        client.post("/lend").await;
        let mut form = kept.lock().unwrap().take().unwrap();
        text.clone_into(&mut form.text);
        drop(form);
        assert_eq!(logs.with(&["ERROR", "Form"]).len(), 1, "{}", logs.text());
    }
}

/// The values are not encoded while the task panics, so the line is there even if none of them differs.
#[tokio::test]
async fn g06_a_change_that_a_panic_loses_after_the_answer_is_seen_in_the_log() {
    let logs = Logs::capture();
    let lend = post(|mut form: Session<Form>| async move {
        form.text = "abc".to_owned();
        tokio::spawn(async move {
            tokio::task::yield_now().await;
            let _kept = form;
            panic!("of the task");
        });
    });
    let mut client = Site::new().serve(Router::new().route("/lend", lend));
    let reply = client.post("/lend").await;
    assert_eq!(reply.status, StatusCode::OK);
    // The task runs in this thread, between two polls of the test.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert_eq!(logs.with(&["ERROR", "Form"]).len(), 1, "{}", logs.text());
}

/// The client has disconnected, so the layer no longer writes.
#[tokio::test]
async fn g06_a_change_after_the_request_was_given_up_is_seen_in_the_log() {
    let logs = Logs::capture();
    let kept = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&kept);
    let gate = Gate::new();
    let held = gate.clone();
    let lend = post(move |form: Session<Form>| async move {
        *keep.lock().unwrap() = Some(form);
        held.pass().await;
    });
    let site = Site::new();
    let client = site.serve(Router::new().route("/lend", lend));
    let request = tokio::spawn(client.ask(Method::POST, "/lend"));
    gate.reached().await;
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled());
    let mut form = kept.lock().unwrap().take().unwrap();
    form.text = "abc".to_owned();
    drop(form);
    assert_eq!(site.rows(), 0);
    assert_eq!(logs.with(&["ERROR", "Form"]).len(), 1, "{}", logs.text());
}

/// A `commit` future that was polled once and then stored in something that outlives the handler.
#[tokio::test(start_paused = true)]
async fn g06_a_commit_that_is_kept_and_not_polled_does_not_hold_the_response_for_ever() {
    let logs = Logs::capture();
    let kept: Arc<Mutex<Option<Kept>>> = Arc::default();
    let keep = Arc::clone(&kept);
    let leave = post(move |session: CurrentSession| async move {
        session.destroy().unwrap();
        let mut commit: Kept = Box::pin(async move { session.commit().await });
        let once = poll_fn(|cx| Poll::Ready(commit.as_mut().poll(cx).is_pending()));
        assert!(once.await, "the store does not answer");
        *keep.lock().unwrap() = Some(commit);
    });
    let site = Site::new();
    let mut client = site.serve(routes().route("/leave", leave));
    client.post("/everything").await;
    let gate = site.store.hold(Operation::Remove, Moment::Before);
    let reply = client.post("/leave").await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(logs.with(&["poll the future"]).len(), 1, "{}", logs.text());
    // A dropped commit runs to its end: a logout that has begun takes effect.
    drop(kept.lock().unwrap().take());
    gate.open();
    gate.reached().await;
    tokio::task::yield_now().await;
    assert_eq!(site.rows(), 0);
}

type Kept = Pin<Box<dyn Future<Output = Result<(), SessionError>> + Send>>;
