//! The public images of a session's secret: the values that the store and the logs may see.

use std::fmt;

use serde::{Serialize, Serializer};

/// 32 bytes that a store keeps. `Debug` shows four of them, enough to tell two apart.
macro_rules! stored_key {
    ($(#[$about:meta])* $name:ident) => {
        $(#[$about])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; Self::LEN]);

        impl $name {
            /// The length in bytes.
            pub const LEN: usize = 32;

            /// The key with these bytes: for stores that list what they hold, and for their tests.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
                Self(bytes)
            }

            /// The bytes that a store keeps.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let [a, b, c, d, ..] = self.0;
                write!(f, "{}({a:02x}{b:02x}{c:02x}{d:02x}..)", stringify!($name))
            }
        }
    };
}

/// `Display` and `Debug` as hexadecimal digits.
macro_rules! shown_in_hex {
    ($name:ident) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }
    };
}
pub(super) use shown_in_hex;

stored_key! {
    /// The primary key of a session in its store: 32 bytes.
    ///
    /// The row key is derived from the cookie's secret and a key that the store never sees. It does not lead back to a
    /// cookie, and no client can choose one, so comparing and indexing it need not be constant-time. Store it as binary
    /// and compare it bytewise: a text column with a collation would take different sessions for the same one.
    RowKey
}

stored_key! {
    /// The key by which a store lists sessions: the keyed hash of a field marked `index`, 32 bytes.
    ///
    /// Equal values of one field give equal index keys, and nothing else can be learned from them: a
    /// store can find all sessions of a user without knowing the user.
    IndexKey
}

/// Identifies one binding of a session to a device. It is not a secret and opens nothing.
#[cfg(feature = "dbsc")]
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct DeviceId([u8; Self::LEN]);

#[cfg(feature = "dbsc")]
impl DeviceId {
    pub(crate) const LEN: usize = 16;

    pub(crate) const fn from_bytes(bytes: [u8; Self::LEN]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

#[cfg(feature = "dbsc")]
crate::sentence::debug_as_name!(DeviceId);

/// The name of a session in logs and [events](crate::events): a keyed hash of its row key (OWASP ASVS 16.2.5), so that
/// a log leads neither to a cookie nor to a row. As text it has sixteen hexadecimal digits.
///
/// It stays the same until the session gets a new id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub(super) [u8; 8]);

shown_in_hex!(Fingerprint);

/// Serialized as its text.
impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
