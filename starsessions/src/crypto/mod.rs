//! Keys and tokens: bytes in, bytes out. Knows no HTTP, no sessions and no stores.
//!
//! What each attacker can do:
//!
//! - A sender of requests can neither make nor change a token: it is 256 random bits, or has a MAC over
//!   everything that gives it meaning.
//! - A reader of the store gets neither a cookie nor data: the row key is a one-way, peppered image of
//!   the cookie's secret, and records are sealed under a key that only the cookie leads to.
//! - A writer to the store can neither change a part of a record nor move it to another row, revision,
//!   format or application. Restoring an older row as a whole is possible; protection against it must come from outside
//!   this crate.
//! - A holder of the keys alone can read cards, and no record, because each record also needs its cookie.
//!
//! One version byte names the whole suite and the key id selects exactly one key: nothing is
//! negotiated, nothing is tried twice, and no decoder takes over when another one fails.
//!
//! A file imports only from files above it:
//!
//! | file | what it is |
//! |---|---|
//! | `random` | bytes from the operating system |
//! | `encoding` | base64 |
//! | `id` | row keys, index keys, the names of sessions in logs |
//! | `token` | the frame of every token; key ids |
//! | `mac` | HMAC-SHA256 and the encoding of lists |
//! | `auth_hash` | what a session remembers of a password |
//! | `xchacha` | the cipher and its back ends |
//! | `seal` | payloads sealed in place, with their nonces |
//! | `key` | a master key |
//! | `kdf` | key derivation |
//! | `keyset` | the keys of a master key, and what each use is bound to |
//! | `keyring` | the keys of a deployment |
//! | `sealed_record` | the record of a stored session |
//! | `reference_token` | the token that refers to a session in a store |
//! | `card` | what the owner's other sessions may read |
//! | `way` | from a former id to its successor |
//! | `self_contained` | cookies that carry their session |
//! | `csrf` | tokens in forms |
//! | `flow` | what a browser remembers of a redirect to another site and back |
//! | `device` | what binds a session to a key of a device |
//! | `public_id` | the name of a session towards its user |

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod auth_hash;
mod card;
mod csrf;
#[cfg(feature = "dbsc")]
mod device;
mod encoding;
mod flow;
mod id;
mod kdf;
mod key;
mod keyring;
mod keyset;
mod mac;
mod public_id;
mod random;
mod reference_token;
mod seal;
mod sealed_record;
mod self_contained;
mod token;
mod way;
mod xchacha;

#[cfg(test)]
mod tests;

pub use auth_hash::AuthHash;
pub(crate) use card::open_card;
pub(crate) use csrf::{mint_csrf_token, verify_csrf_token};
#[cfg(feature = "dbsc")]
pub(crate) use device::{Challenge, Identifier, Proof, open_identifier, open_invitation};
pub(crate) use flow::{flow_name, is_flow_name, mint_flow_state, open_flow, seal_flow};
#[cfg(feature = "dbsc")]
pub(crate) use id::DeviceId;
pub use id::Fingerprint;
pub use id::{IndexKey, RowKey};
pub use key::{Key, KeyError};
pub use keyring::{KeyRing, KeyRingError};
pub(crate) use keyset::{Binding, RecordPlace};
#[cfg(feature = "python")]
pub(crate) use mac::MacKey;
pub use public_id::{InvalidSessionId, PublicSessionId};
pub use random::RandomError;
pub(crate) use random::random_bytes;
pub(crate) use reference_token::ReferenceToken;
pub(crate) use seal::SealError;
pub(crate) use sealed_record::RecordKey;
pub(crate) use self_contained::{open_cookie, seal_cookie, sign_cookie, verify_cookie};
pub use token::{CookieKind, KeyId};
pub(crate) use way::{Way, WayKind};
