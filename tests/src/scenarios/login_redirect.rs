//! 4. Login then redirect.

use std::pin::pin;
use std::task::Poll;

use http::{Method, StatusCode};
use starsessions::store::Store;

use crate::site::Site;
use crate::spy::{Moment, Operation};

use crate::shop;

/// The redirect is sent only after the write, even if the write is slow.
///
/// # Panics
/// If the redirect is sent before.
pub async fn the_redirect_waits_for_the_login<S: Store + Clone>(site: &Site<S>) {
    let mut client = site.serve(shop::routes());
    let writing = site.store.hold(Operation::Insert, Moment::After);
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
