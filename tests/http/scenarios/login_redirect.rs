//! 4. Login then redirect.

use std::pin::pin;
use std::task::Poll;

use http::{Method, StatusCode};
use starsessions_tests::site::Site;
use starsessions_tests::spy::{Moment, Operation};

use crate::shop;

#[tokio::test]
async fn scenario_04_the_redirect_after_a_login_leaves_only_when_the_slow_write_is_done() {
    let site = Site::new();
    let mut client = site.serve(shop::routes());
    let writing = site.store.hold(Operation::Create, Moment::After);
    let mut login = pin!(client.ask(Method::POST, "/login/7"));

    let is_answered = tokio::select! {
        biased;
        _ = &mut login => true,
        () = writing.reached() => false,
    };
    assert!(!is_answered, "the store is still writing");
    let once_more = std::future::poll_fn(|cx| Poll::Ready(login.as_mut().poll(cx).is_ready()));
    assert!(!once_more.await, "the store is still writing");
    writing.open();

    let reply = login.await;
    client.keep(&reply);
    assert_eq!(
        (reply.status, reply.location()),
        (StatusCode::SEE_OTHER, Some("/me"))
    );
    assert_eq!(client.get("/me").await.body, "7");
}
