//! The auth hash, by which a session shows whether its user has changed the password.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use super::mac::start_of;
use crate::sentence::debug_as_name;

/// Half a SHA-256 of the password hash that the application stores, kept in the user's sessions. A new password gives
/// another auth hash, so a session shows whether the password was changed since its sign-in.
///
/// ```
/// use starsessions::Session;
/// use starsessions::user::AuthHash;
///
/// #[derive(Session)]
/// struct Login {
///     #[session(required, rotate, index)]
///     user: u64,
///     #[session(required)]
///     password: AuthHash,
/// }
///
/// let stored = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA";
/// let login = Login { user: 7, password: AuthHash::of(stored) };
/// assert!(login.password.is_of(stored));
/// ```
///
/// Pass the hash with its salt, as `argon2` and its relatives write it, never the password itself.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AuthHash([u8; 16]);

impl AuthHash {
    /// The auth hash of this password hash.
    #[must_use]
    pub fn of(password_hash: impl AsRef<[u8]>) -> Self {
        let digest = Sha256::new_with_prefix(PURPOSE).chain_update(password_hash);
        Self(start_of(&digest.finalize().into()))
    }

    /// Whether this is the auth hash of `password_hash`: if so, the password was not changed.
    #[must_use]
    pub fn is_of(&self, password_hash: impl AsRef<[u8]>) -> bool {
        *self == Self::of(password_hash)
    }
}

impl Serialize for AuthHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for AuthHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <[u8; 16]>::deserialize(deserializer).map(Self)
    }
}

debug_as_name!(AuthHash);

/// Domain separation: no other use of SHA-256 on the password hash gives the same digest.
const PURPOSE: &[u8] = b"starsessions password hash\0";
