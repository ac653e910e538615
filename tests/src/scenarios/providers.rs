//! 5. Signing in at another site, in two tabs at once.

use http::{Method, StatusCode};
use starsessions::store::Store;

use crate::provider::{routes, state_of};
use crate::site::Site;

/// Two tabs of a browser without a cookie both begin before either comes back. A forged answer arrives in between.
///
/// # Panics
/// If a tab is not signed in, or the guest's cart is lost.
pub async fn two_tabs_sign_in_at_a_provider<S: Store + Clone>(site: &Site<S>) {
    let mut browser = site.serve(routes());
    let first = browser.ask(Method::GET, "/google?user=1");
    let second = browser.ask(Method::GET, "/microsoft?user=2");
    let (first, second) = tokio::join!(first, second);
    browser.keep(&first);
    browser.keep(&second);
    browser.post("/cart/tea").await;

    let forged = browser.come_back("/google/back", "forged").await;
    assert_eq!(forged.status, StatusCode::BAD_REQUEST);

    let reply = browser.come_back("/google/back", &state_of(&first)).await;
    assert_eq!(reply.location(), Some("/me"));
    assert_eq!(browser.get("/me").await.body, "1");

    let path = "/microsoft/back";
    let reply = browser.come_back_by_post(path, &state_of(&second)).await;
    let state = state_of(&reply);
    let reply = browser.come_back("/microsoft/known", &state).await;
    assert_eq!(reply.location(), Some("/me"));
    assert_eq!(browser.get("/me").await.body, "2");
    assert_eq!(browser.get("/cart").await.body, "tea");
    assert_eq!(browser.jar().cookies().count(), 1, "both are finished");
}
