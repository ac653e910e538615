//! G8: a task of a handler goes on after the request was dropped.

use axum::Router;
use http::Method;
use starsessions::{CurrentSession, Session, SessionError};
use starsessions_tests::client::Client;
use starsessions_tests::gate::Gate;
use starsessions_tests::logs::Logs;
use starsessions_tests::routing::{get, post};
use starsessions_tests::shop::{self, Shop};
use starsessions_tests::site::Site;
use tokio::sync::mpsc::unbounded_channel;

#[derive(Session)]
struct Note {
    #[session(validate = short)]
    text: String,
}

fn short(text: &str) -> Result<(), &'static str> {
    if text.len() < 6 {
        Ok(())
    } else {
        Err("too long")
    }
}

/// A user's request, which is dropped when its handler has made the first of two changes. Then a task of the handler
/// runs, with the session. Returns the user, the outcome, and the log of the losses.
async fn given_up<F>(
    task: impl FnOnce(CurrentSession) -> F + Clone + Send + Sync + 'static,
) -> (Client, Result<(), SessionError>, Vec<String>)
where
    F: Future<Output = Result<(), SessionError>> + Send + 'static,
{
    let (handler, goes_on) = (Gate::new(), Gate::new());
    let (held, start) = (handler.clone(), goes_on.clone());
    let (tell, mut told) = unbounded_channel();
    let half = post(
        move |session: CurrentSession, mut shop: Session<Shop>| async move {
            tokio::spawn(async move {
                start.pass().await;
                // The session is dropped with the future of the task.
                let outcome = task(session).await;
                tell.send(outcome).unwrap();
            });
            shop.cart.push("tea".to_owned());
            held.pass().await;
            shop.views += 1;
        },
    );
    let note = get(async |note: Session<Note>| note.text.clone());
    let routes = Router::new().route("/half", half).route("/note", note);
    let mut client = Site::new().serve(shop::routes().merge(routes));
    client.post("/login/7").await;
    let logs = Logs::capture();
    let request = tokio::spawn(client.ask(Method::POST, "/half"));
    handler.reached().await;
    request.abort();
    assert!(request.await.unwrap_err().is_cancelled());
    goes_on.open();
    let outcome = told.recv().await.expect("the task ends");
    assert_eq!(client.get("/cart").await.body, "", "half of the handler");
    (client, outcome, logs.with(&["ERROR", "the change is lost"]))
}

#[tokio::test]
async fn g08_a_task_stores_its_own_changes_and_none_of_the_dropped_handler() {
    let (mut client, outcome, losses) = given_up(|session| async move {
        let mut note = session.view::<Note>().await.unwrap();
        note.text = "seen".to_owned();
        note.commit().await
    })
    .await;
    outcome.unwrap();
    assert_eq!(client.get("/note").await.body, "seen");
    assert_eq!(losses, [""; 0]);
}

/// A view that is dropped before the commit is not lost.
#[tokio::test]
async fn g08_a_task_may_commit_after_its_view_was_dropped() {
    let (mut client, outcome, losses) = given_up(|session| async move {
        session.view::<Note>().await.unwrap().text = "seen".to_owned();
        session.commit().await
    })
    .await;
    outcome.unwrap();
    assert_eq!(client.get("/note").await.body, "seen");
    assert_eq!(losses, [""; 0]);
}

/// The client will never hear of them, and the log names their type.
#[tokio::test]
async fn g08_orders_that_a_task_does_not_commit_are_seen_in_the_log() {
    async fn write(session: CurrentSession, text: &str) -> Result<(), SessionError> {
        session.view::<Note>().await.unwrap().text = text.to_owned();
        Ok(())
    }
    let of_whole = [
        given_up(|session| async move { session.destroy() }).await,
        given_up(|session| async move { session.rotate() }).await,
        given_up(|session| async move { session.remember(true) }).await,
        given_up(|session| async move { session.remove::<shop::Login>() }).await,
    ];
    let of_view = [
        given_up(|session| write(session, "seen")).await,
        given_up(|session| write(session, "too long")).await,
    ];
    let all = of_whole.into_iter().map(|it| (it, "CurrentSession"));
    for ((mut client, outcome, losses), name) in all.chain(of_view.map(|it| (it, "Note"))) {
        outcome.unwrap();
        assert_eq!(client.get("/me").await.body, "7");
        assert_eq!(client.get("/note").await.body, "");
        let [loss] = losses.as_slice() else {
            panic!("{name}: {losses:?}");
        };
        assert!(loss.contains(name), "{loss}");
    }
}

/// The task knows it by itself.
#[tokio::test]
async fn g08_a_commit_that_fails_is_no_loss_for_the_log() {
    let (mut client, outcome, losses) = given_up(|session| async move {
        session.view::<Note>().await.unwrap().text = "too long".to_owned();
        session.commit().await
    })
    .await;
    assert!(matches!(outcome, Err(SessionError::Invalid { .. })));
    assert_eq!(client.get("/note").await.body, "");
    assert_eq!(losses, [""; 0]);
}
