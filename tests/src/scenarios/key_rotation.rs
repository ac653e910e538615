//! 13. Key rotation.

use http::StatusCode;
use starsessions::KeyRing;
use starsessions::config::Clock;
use starsessions::keys::Key;
use starsessions::store::Store;

use crate::shop;
use crate::site::Site;

/// A new key accepts cookies of the old key and replaces them with its own. After the old key's deadline, cookies of
/// the old key are refused.
///
/// # Panics
/// If a user is signed out before the deadline, or stays signed in after it with an old cookie.
pub async fn a_new_key_takes_over<S: Store + Clone>(site: &Site<S>) {
    let bytes = std::array::from_fn(|i| ((i * i * 2_654_435_761) >> 13) as u8);
    let old_key = || Key::from_bytes(bytes).expect("a key that is not a pattern");
    let new_key = Key::generate().expect("randomness");
    let before = site.under(KeyRing::new(old_key()));
    let not_after = before.clock().now() + std::time::Duration::from_secs(1_800);
    let both = KeyRing::new(new_key).accept(old_key(), Some(not_after));
    let after = site.under(both.expect("two different keys"));

    let (old, new) = (before.serve(shop::routes()), after.serve(shop::routes()));
    let mut stays_away = old.clone();
    stays_away.post("/login/8").await;
    let mut comes_back = old.clone();
    comes_back.post("/login/7").await;
    comes_back.post("/cart/tea").await;

    after.wait_seconds(60);
    // Both instances are running. The new one reissues the cookie and keeps the session's data.
    let mut comes_back = comes_back.at(&new);
    let reply = comes_back.get("/me").await;
    assert_eq!((reply.status, reply.body.as_str()), (StatusCode::OK, "7"));
    assert!(reply.sets_cookie(), "a cookie under the new key");
    assert_eq!(comes_back.get("/cart").await.body, "tea");
    assert!(!comes_back.get("/me").await.sets_cookie(), "only once");

    after.wait_seconds(1_801);
    assert_eq!(comes_back.get("/me").await.body, "7");
    assert_eq!(stays_away.at(&new).get("/me").await.body, "guest");
}
