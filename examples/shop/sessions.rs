//! What a visitor's session holds.
//!
//! One browser has one session. These structs are three views of it, each with its own fields.

use serde::{Deserialize, Serialize};
use starsessions::Session;

/// What every visitor has, signed in or not.
#[derive(Session)]
pub(super) struct Shop {
    /// Two tabs that add at once add both.
    #[session(merge = super::cart::merge)]
    pub(super) cart: Vec<Line>,
    /// Gone ten minutes after it was redeemed.
    #[session(expires = "10m")]
    pub(super) coupon: Option<Coupon>,
    /// Shown once, on the next page.
    #[session(flash)]
    pub(super) notice: Option<String>,
    /// A code that is no coupon, for the form to show it once more.
    #[session(flash)]
    pub(super) refused: Option<String>,
    /// Visits to the catalogue; those of parallel requests are added up.
    #[session(merge = sum)]
    pub(super) visits: u64,
}

/// Who is signed in. A handler that takes it sends guests to the form.
#[derive(Session)]
#[session(reject = "/login")]
pub(super) struct Login {
    /// Signing in gives the session a new id: one that was known before is worth nothing. The
    /// sessions of a user can be listed and ended.
    #[session(required, rotate, index)]
    pub(super) user: String,
    /// Orders placed since then.
    #[session(merge = sum)]
    pub(super) orders: u32,
}

/// The user has given the password again, within the last five minutes; the next user has not. Where
/// the session is bound to a device, this is good there and nowhere else.
#[derive(Session)]
#[session(bound, reject = "/confirm")]
pub(super) struct Sudo {
    #[session(required, rotate, until = rotate, expires = "5m")]
    pub(super) confirmed: Confirmation,
}

/// An article in the cart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) article: u32,
    pub(super) quantity: u32,
}

/// A discount.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Coupon {
    pub(super) code: String,
    pub(super) percent: u32,
}

/// How the user has shown who they are.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum Confirmation {
    Password,
}
