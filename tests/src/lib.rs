//! Everything that judges starsessions.

pub mod client;
pub mod device;
pub mod gate;
pub mod jar;
pub mod logs;
pub mod provider;
pub mod scenarios;
pub mod servers;
pub mod shop;
pub mod site;
pub mod spy;
pub mod strict;

/// A session that cannot be ended for good has no `destroy`:
///
/// ```compile_fail,E0599
/// # use starsessions::session::BrowserOnly;
/// # use starsessions::CurrentSession;
/// async fn sign_out(session: CurrentSession<BrowserOnly>) {
///     let _ = session.destroy();
/// }
/// ```
///
/// It has `forget`, and one that can be ended has `destroy`:
///
/// ```
/// # use starsessions::session::BrowserOnly;
/// # use starsessions::CurrentSession;
/// async fn sign_out(session: CurrentSession) {
///     let _ = session.destroy();
/// }
/// async fn forget(session: CurrentSession<BrowserOnly>) {
///     let _ = session.forget();
/// }
/// ```
#[cfg(doctest)]
#[derive(Debug)]
pub struct EndingForGood;

/// The code of the front page, as documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
