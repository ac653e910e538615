//! Reads and writes the sessions of a Python deployment.

use std::time::Duration;

use sha2::{Digest, Sha256};

use super::cookie::longest;
use super::format::{Content, FormatError};
use super::sessions::{Sessions, Store, is_id};
use crate::clock::Timestamp;
use crate::crypto::{self, RandomError};
use crate::lifecycle::Lifetime;
use crate::record::Record;
use crate::sentence::debug_as_name;
use crate::store::StoreError;

/// A session, and the bytes that it was read from or written as.
pub(crate) struct Stored {
    pub(crate) content: Content,
    bytes: Vec<u8>,
}

debug_as_name!(Stored);

/// The outcome of a change of the session that was read.
#[cfg_attr(
    not(feature = "redis"),
    expect(dead_code, reason = "a cookie has no other writer")
)]
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Replaced<T = Stored> {
    Done,
    /// Another writer was faster; this is stored now.
    Stale(T),
    /// The session has ended, or cannot be read any more.
    Gone,
}

impl Stored {
    /// The name of the session: a hash of its id, or of its beginning if it is in its cookie.
    pub(crate) fn name(&self, cookie: &str) -> [u8; 16] {
        let began = self.content.metadata.created_text();
        let text = if is_id(cookie) { cookie } else { began };
        let digest: [u8; 32] = Sha256::digest(text).into();
        digest.first_chunk().copied().unwrap_or_default()
    }
}

impl Sessions {
    /// `secrets.token_hex(16)`.
    pub(crate) fn new_id() -> Result<String, RandomError> {
        let bytes: [u8; 16] = crypto::random_bytes()?;
        Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Gives a session in its cookie another name: a new fraction of the second in which it began.
    pub(crate) fn renamed(mut content: Content, now: Timestamp) -> Result<Content, RandomError> {
        let at = content.metadata.created(now).unwrap_or(now);
        let random = u32::from_be_bytes(crypto::random_bytes()?);
        content.metadata.set_beginning(at, random);
        Ok(content)
    }

    /// The timeouts that follow from Python's settings. A rolling session has no absolute timeout there.
    pub(crate) fn timeouts(&self) -> Lifetime {
        let idle = match &self.store {
            #[cfg(feature = "redis")]
            Store::Redis(store) if self.lifetime.is_zero() => store.gc_ttl,
            _ => longest(self.lifetime),
        };
        let is_endless = self.is_rolling || self.lifetime.is_zero();
        Lifetime::new(idle, if is_endless { ENDLESS.max(idle) } else { idle })
    }

    /// Whether the cookie outlives the browser's session.
    pub(crate) fn is_persistent(&self) -> bool {
        !self.lifetime.is_zero()
    }

    pub(crate) fn is_cookie(&self) -> bool {
        matches!(self.store, Store::Cookie(_))
    }

    /// The most bytes of a cookie's name and value: what Python writes, and at most what a browser keeps (RFC 6265bis,
    /// section 5.7).
    pub(crate) fn cookie_limit(&self, name: &str) -> usize {
        match &self.store {
            Store::Cookie(store) => COOKIE_LIMIT.min(name.len() + store.max_size),
            #[cfg(feature = "redis")]
            Store::Redis(_) => COOKIE_LIMIT,
        }
    }

    /// Whether a cookie's value has the form of Python's.
    pub(crate) fn accepts(&self, cookie: &str) -> bool {
        self.is_cookie() || is_id(cookie)
    }

    /// The session that a cookie leads to. An unreadable session counts as absent and stays.
    pub(crate) async fn load(
        &self,
        cookie: &str,
        now: Timestamp,
    ) -> Result<Option<Stored>, StoreError> {
        let found = self.fetch(cookie, now).await?;
        Ok(found.and_then(|(bytes, _)| self.read(bytes)))
    }

    /// The bytes of a session with the fields and times of `record`.
    pub(crate) fn close(&self, content: &Content, record: &Record) -> Result<Stored, FormatError> {
        let content = content.with(record, self.lifetime.as_secs())?;
        let bytes = self.format.close(&content)?;
        Ok(Stored { content, bytes })
    }

    /// The value of the cookie, if sessions are in their cookies.
    pub(crate) fn sign(&self, stored: &Stored, now: Timestamp) -> String {
        match &self.store {
            Store::Cookie(store) => store.sign(&stored.bytes, now),
            #[cfg(feature = "redis")]
            Store::Redis(_) => String::new(),
        }
    }

    #[cfg_attr(
        not(feature = "redis"),
        expect(unused_variables, reason = "without a store")
    )]
    pub(crate) async fn insert(
        &self,
        id: &str,
        stored: &Stored,
        ttl: Duration,
    ) -> Result<bool, StoreError> {
        match &self.store {
            Store::Cookie(_) => Ok(true),
            #[cfg(feature = "redis")]
            Store::Redis(store) => store.insert(id, &stored.bytes, ttl).await,
        }
    }

    /// Replaces the session that was read, and moves it to the id `new` if that differs from `old`.
    #[cfg_attr(
        not(feature = "redis"),
        expect(unused_variables, reason = "without a store")
    )]
    pub(crate) async fn replace(
        &self,
        [old, new]: [&str; 2],
        seen: &Stored,
        stored: &Stored,
        ttl: Duration,
    ) -> Result<Replaced, StoreError> {
        match &self.store {
            Store::Cookie(_) => Ok(Replaced::Done),
            #[cfg(feature = "redis")]
            Store::Redis(store) => {
                let (seen, bytes) = (&seen.bytes, &stored.bytes);
                let swapped = if old == new {
                    store.replace(old, seen, bytes, ttl).await?
                } else {
                    store.rename([old, new], seen, bytes, ttl).await?
                };
                Ok(match swapped {
                    Replaced::Done => Replaced::Done,
                    Replaced::Stale(found) => {
                        self.read(found).map_or(Replaced::Gone, Replaced::Stale)
                    }
                    Replaced::Gone => Replaced::Gone,
                })
            }
        }
    }

    fn read(&self, bytes: Vec<u8>) -> Option<Stored> {
        let content = self
            .format
            .open(&bytes)
            .inspect_err(|error| tracing::warn!(%error, "a session that is shared with Python counts as absent"))
            .ok()?;
        Some(Stored { content, bytes })
    }
}

const ENDLESS: Duration = Duration::from_secs(100 * 365 * 24 * 3600);
const COOKIE_LIMIT: usize = 4096;
