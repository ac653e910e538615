//! The content of a visitor's session.
//!
//! One browser has one session. These structs are three views of it, each with its own fields.

use serde::{Deserialize, Serialize};
use starsessions::Session;

/// The data of every visitor, signed in or not.
#[derive(Session)]
pub(super) struct Shop {
    /// If two tabs add articles at the same time, the cart gets both.
    #[session(merge = super::cart::merge)]
    pub(super) cart: Vec<Line>,
    /// Expires ten minutes after it was redeemed.
    #[session(expires = "10m")]
    pub(super) coupon: Option<Coupon>,
    /// Shown once, on the next page.
    #[session(flash)]
    pub(super) notice: Option<String>,
    /// A rejected coupon code, which the form shows again.
    #[session(flash)]
    pub(super) refused: Option<String>,
    /// Visits to the catalogue; those of parallel requests are added up.
    #[session(merge = sum)]
    pub(super) visits: u64,
}

/// The signed-in user. A handler that takes this argument redirects guests to the sign-in form.
#[derive(Session)]
#[session(reject = "/login")]
pub(super) struct Login {
    /// Signing in gives the session a new ID, so that an ID known before is useless (session fixation). The index makes
    /// it possible to list and end all sessions of a user.
    #[session(required, rotate, index)]
    pub(super) user: String,
    /// Orders placed since the sign-in.
    #[session(merge = sum)]
    pub(super) orders: u32,
}

/// The user has confirmed their identity within the last five minutes. The confirmation ends when another user signs
/// in. If the session is bound to a device, the confirmation is valid on that device only.
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

/// How the user has confirmed their identity.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum Confirmation {
    Password,
}
