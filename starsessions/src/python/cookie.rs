//! `CookieStore` of the Python library: the session is the cookie, signed.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::signer::TimestampSigner;
use crate::clock::Timestamp;
use crate::sentence::debug_as_name;

/// `CookieStore(secret_key)`: sessions in their cookies, signed by `itsdangerous`.
///
/// Signed is not encrypted: without an [`Encryptor`](super::Encryptor) the holder of the cookie reads the
/// session. The session cannot be ended: a copy of the cookie works until it expires.
pub struct CookieStore {
    signer: TimestampSigner,
    accepted: Vec<TimestampSigner>,
    pub(super) max_size: usize,
}

impl CookieStore {
    /// A store with Python's secret.
    #[must_use]
    pub fn new(secret_key: &str) -> Self {
        if secret_key.len() < SHORT {
            tracing::warn!(
                "the secret of Python's `CookieStore` has fewer than {SHORT} bytes and can be guessed, and with it \
                 every session made; change it on both sides"
            );
        }
        Self {
            signer: TimestampSigner::new(secret_key),
            accepted: Vec::new(),
            max_size: MAX_SIZE,
        }
    }

    /// Also accepts what was signed with this secret, so that secrets can be rotated.
    #[must_use]
    pub fn accept(mut self, secret_key: &str) -> Self {
        self.accepted.push(TimestampSigner::new(secret_key));
        self
    }

    /// `max_size` of version 2.3: the longest value that is written; 4096 by default. Browsers keep no more than 4096
    /// bytes with the name, which is the limit in any case.
    #[must_use]
    pub fn max_size(mut self, bytes: usize) -> Self {
        self.max_size = bytes;
        self
    }

    /// The signed form of `data`: the value of a cookie.
    #[must_use]
    pub fn sign(&self, data: &[u8], now: Timestamp) -> String {
        self.signer.sign(&STANDARD.encode(data), now)
    }

    /// The data in a cookie's value, if it was signed with a secret of this store, not in the future, and at most
    /// `lifetime` ago; and when it was signed. A lifetime of zero stands for 360 days, as in Python.
    #[must_use]
    pub fn verify(
        &self,
        value: &str,
        lifetime: Duration,
        now: Timestamp,
    ) -> Option<(Vec<u8>, Timestamp)> {
        let mut signers = std::iter::once(&self.signer).chain(&self.accepted);
        let (data, signed_at) = signers.find_map(|signer| signer.unsign(value))?;
        if signed_at > now || now.since(signed_at) > longest(lifetime) {
            return None;
        }
        Some((STANDARD.decode(data).ok()?, signed_at))
    }
}

/// The maximum age of a signature.
pub(super) fn longest(lifetime: Duration) -> Duration {
    if lifetime.is_zero() {
        SESSION_ONLY
    } else {
        lifetime
    }
}

debug_as_name!(CookieStore);

const SESSION_ONLY: Duration = Duration::from_secs(360 * 24 * 3600);
const SHORT: usize = 16;
const MAX_SIZE: usize = 4096;
