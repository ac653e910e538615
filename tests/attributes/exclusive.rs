//! `exclusive`: a concurrent change is a conflict, for single-use values.

use std::sync::Arc;

use http::StatusCode;
use starsessions::{CurrentSession, Session, SessionError};
use starsessions_tests::client::Client;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

#[derive(Session)]
struct Checkout {
    #[session(exclusive)]
    token: Option<u32>,
    note: String,
    #[session(merge = sum)]
    tries: u32,
}

async fn with_token() -> Client {
    let mut browser = Client::guest();
    browser
        .with(|checkout: &mut Session<Checkout>| checkout.token = Some(1))
        .await;
    browser
}

async fn token(browser: &mut Client) -> Option<u32> {
    browser
        .with(|checkout: &mut Session<Checkout>| checkout.token)
        .await
}

#[tokio::test]
async fn the_later_change_is_answered_with_409_and_nothing_of_it_is_written() {
    let mut browser = with_token().await;
    let reply = browser
        .overtaken(
            |checkout: &mut Session<Checkout>| checkout.token = Some(2),
            |checkout: &mut Session<Checkout>| {
                checkout.token = Some(3);
                checkout.note.push_str("mine");
                checkout.tries += 1;
            },
        )
        .await;
    assert_eq!(reply.status, StatusCode::CONFLICT);
    browser
        .with(|checkout: &mut Session<Checkout>| {
            assert_eq!(checkout.token, Some(2));
            assert_eq!(
                (checkout.note.as_str(), checkout.tries),
                ("", 0),
                "one unit"
            );
        })
        .await;
}

#[tokio::test]
async fn two_removals_conflict_too() {
    let mut browser = with_token().await;
    let reply = browser
        .overtaken(
            |checkout: &mut Session<Checkout>| checkout.token = None,
            |checkout: &mut Session<Checkout>| checkout.token = None,
        )
        .await;
    assert_eq!(reply.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn two_first_writes_conflict_too() {
    let mut browser = Client::guest();
    browser
        .with(|checkout: &mut Session<Checkout>| checkout.note.push('x'))
        .await;
    let reply = browser
        .overtaken(
            |checkout: &mut Session<Checkout>| checkout.token = Some(2),
            |checkout: &mut Session<Checkout>| checkout.token = Some(2),
        )
        .await;
    assert_eq!(reply.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_change_there_and_back_is_still_a_change() {
    let mut browser = with_token().await;
    let mut other = browser.clone();
    let reply = browser
        .held(
            |checkout: &mut Session<Checkout>| checkout.token = Some(3),
            async {
                for token in [2, 1] {
                    other
                        .with(move |it: &mut Session<Checkout>| it.token = Some(token))
                        .await;
                }
            },
        )
        .await;
    assert_eq!(reply.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn changes_of_other_fields_do_not_conflict() {
    let mut browser = with_token().await;
    let reply = browser
        .overtaken(
            |checkout: &mut Session<Checkout>| checkout.note.push_str("theirs"),
            |checkout: &mut Session<Checkout>| checkout.token = None,
        )
        .await;
    assert_eq!(reply.status, StatusCode::OK);
    let reply = browser
        .overtaken(
            |checkout: &mut Session<Checkout>| checkout.token = Some(5),
            |checkout: &mut Session<Checkout>| checkout.tries += 1,
        )
        .await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(token(&mut browser).await, Some(5));
}

#[tokio::test]
async fn an_insert_replaces_whatever_is_there() {
    let mut browser = with_token().await;
    let mut other = browser.clone();
    let reply = browser
        .visit(async move |session: CurrentSession, _: Session<Checkout>| {
            other
                .with(|checkout: &mut Session<Checkout>| checkout.token = Some(2))
                .await;
            let checkout = Checkout {
                token: Some(9),
                note: String::new(),
                tries: 0,
            };
            session.insert(checkout)
        })
        .await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(token(&mut browser).await, Some(9));
}

#[tokio::test]
async fn commit_says_which_field_was_in_conflict_and_the_handler_goes_on() {
    let mut browser = with_token().await;
    let mut other = browser.clone();
    let reply = browser
        .visit(async move |mut checkout: Session<Checkout>| {
            other
                .with(|checkout: &mut Session<Checkout>| checkout.token = Some(2))
                .await;
            checkout.token = None;
            match checkout.commit().await {
                Err(SessionError::Conflict { field }) => field.to_owned(),
                other => format!("{other:?}"),
            }
        })
        .await;
    assert_eq!(
        (reply.status, reply.body.as_str()),
        (StatusCode::OK, "checkout.token")
    );
    assert_eq!(token(&mut browser).await, Some(2));
}

#[tokio::test]
async fn after_a_conflict_the_handler_can_load_again_and_decide_anew() {
    let mut browser = with_token().await;
    let mut other = browser.clone();
    let reply = browser
        .visit(async move |mut checkout: Session<Checkout>| {
            other
                .with(|checkout: &mut Session<Checkout>| checkout.token = Some(2))
                .await;
            checkout.token = Some(10);
            checkout.commit().await.unwrap_err();
            checkout.reload().await.unwrap();
            let seen = checkout.token;
            checkout.token = Some(11);
            checkout.commit().await.unwrap();
            format!("{seen:?}")
        })
        .await;
    assert_eq!(reply.body, "Some(2)");
    assert_eq!(token(&mut browser).await, Some(11));
}

#[tokio::test]
async fn a_request_does_not_conflict_with_its_own_commit() {
    let mut browser = with_token().await;
    let reply = browser
        .visit(async |mut checkout: Session<Checkout>| {
            for token in [2, 3, 4] {
                checkout.token = Some(token);
                checkout.commit().await?;
            }
            checkout.token = Some(5);
            Ok::<_, SessionError>(())
        })
        .await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(token(&mut browser).await, Some(5));
}

#[tokio::test]
async fn a_view_does_not_conflict_with_what_it_has_flushed() {
    let mut browser = with_token().await;
    let reply = browser
        .visit(async |mut checkout: Session<Checkout>| {
            for token in [2, 3] {
                checkout.token = Some(token);
                checkout.flush()?;
            }
            Ok::<_, SessionError>(())
        })
        .await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(token(&mut browser).await, Some(3));
}

#[tokio::test]
async fn others_may_change_other_fields_between_two_commits() {
    let mut browser = with_token().await;
    let mut other = browser.clone();
    let reply = browser
        .visit(async move |mut checkout: Session<Checkout>| {
            for token in [2, 3] {
                other
                    .with(|checkout: &mut Session<Checkout>| checkout.tries += 1)
                    .await;
                checkout.token = Some(token);
                checkout.commit().await?;
            }
            Ok::<_, SessionError>(())
        })
        .await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(token(&mut browser).await, Some(3));
}

#[tokio::test]
async fn a_view_from_before_a_commit_of_the_same_request_does_not_conflict_with_it() {
    let mut browser = with_token().await;
    let reply = browser
        .visit(
            async |mut first: Session<Checkout>, session: CurrentSession| {
                first.token = Some(2);
                first.flush().unwrap();
                let mut second = session.view::<Checkout>().await.unwrap();
                session.commit().await?;
                assert_eq!(second.token.replace(3), Some(2));
                drop(second);
                session.commit().await
            },
        )
        .await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(token(&mut browser).await, Some(3));
}

#[tokio::test]
async fn another_request_after_the_own_commit_is_a_conflict_again() {
    let mut browser = with_token().await;
    let mut other = browser.clone();
    let reply = browser
        .visit(async move |mut checkout: Session<Checkout>| {
            checkout.token = Some(2);
            checkout.commit().await.unwrap();
            for token in [7, 2] {
                other
                    .with(move |it: &mut Session<Checkout>| it.token = Some(token))
                    .await;
            }
            checkout.token = Some(3);
            checkout.commit().await
        })
        .await;
    assert_eq!(reply.status, StatusCode::CONFLICT);
    assert_eq!(token(&mut browser).await, Some(2));
}

#[tokio::test]
async fn two_views_of_one_request_conflict_like_two_requests() {
    let mut browser = with_token().await;
    let reply = browser
        .visit(
            async |mut first: Session<Checkout>, mut second: Session<Checkout>| {
                first.token = Some(2);
                second.token = Some(3);
            },
        )
        .await;
    assert_eq!(reply.status, StatusCode::CONFLICT);
    assert_eq!(token(&mut browser).await, Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_requests_that_take_a_token_at_once_exactly_one_gets_it() {
    const REQUESTS: usize = 8;
    for _ in 0..20 {
        let mut browser = with_token().await;
        let all_have_loaded = Arc::new(Barrier::new(REQUESTS));
        let mut requests = JoinSet::new();
        for number in 0..REQUESTS {
            let mut tab = browser.clone();
            let all_have_loaded = Arc::clone(&all_have_loaded);
            requests.spawn(async move {
                tab.visit(async move |mut checkout: Session<Checkout>| {
                    let token = checkout.token.take();
                    all_have_loaded.wait().await;
                    // Half of the requests commit; the response commits the others.
                    if number % 2 == 0 {
                        checkout.commit().await?;
                    }
                    Ok::<_, SessionError>(format!("{token:?}"))
                })
                .await
            });
        }
        let replies = requests.join_all().await;
        let (winners, losers): (Vec<_>, Vec<_>) =
            replies.iter().partition(|it| it.status == StatusCode::OK);
        assert_eq!(winners.len(), 1);
        assert_eq!(winners[0].body, "Some(1)");
        assert!(losers.iter().all(|it| it.status == StatusCode::CONFLICT));
        assert_eq!(token(&mut browser).await, None);
    }
}
