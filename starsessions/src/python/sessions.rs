//! The sessions of a Python deployment, as its `SessionMiddleware` describes them.

use std::sync::Arc;
use std::time::Duration;

use super::cookie::{CookieStore, longest};
use super::encryptor::Encryptor;
use super::format::{Content, Format};
#[cfg(feature = "redis")]
use super::redis::RedisStore;
use super::serializer::Serializer;
use crate::clock::Timestamp;
use crate::store::StoreError;
use crate::takeover::{FormerSession, Source};

/// The arguments of the Python library's `SessionMiddleware(..)`, by the same names and with the same defaults.
///
/// | Python | default | here |
/// |---|---|---|
/// | `store` | – | [`new`](Self::new) |
/// | `lifetime` | 0 | [`lifetime`](Self::lifetime) |
/// | `rolling` | `False` | [`rolling`](Self::rolling) |
/// | `cookie_name` | `"session"` | [`cookie_name`](Self::cookie_name) |
/// | `serializer` | `JsonSerializer()` | [`serializer`](Self::serializer) |
/// | `encryptor` | `NoopEncryptor()` | [`encryptor`](Self::encryptor) |
#[derive(Debug)]
pub struct Sessions {
    pub(super) store: Store,
    pub(super) lifetime: Duration,
    pub(super) is_rolling: bool,
    cookie_name: String,
    pub(super) format: Format,
}

/// A store of the Python library.
#[derive(Debug)]
#[non_exhaustive]
pub enum Store {
    /// Sessions in their cookies.
    Cookie(CookieStore),
    /// Sessions in Redis.
    #[cfg(feature = "redis")]
    Redis(RedisStore),
}

impl From<CookieStore> for Store {
    fn from(store: CookieStore) -> Self {
        Self::Cookie(store)
    }
}

#[cfg(feature = "redis")]
impl From<RedisStore> for Store {
    fn from(store: RedisStore) -> Self {
        Self::Redis(store)
    }
}

impl Sessions {
    /// The sessions in this store.
    #[must_use]
    pub fn new(store: impl Into<Store>) -> Self {
        Self {
            store: store.into(),
            lifetime: Duration::ZERO,
            is_rolling: false,
            cookie_name: "session".to_owned(),
            format: Format::default(),
        }
    }

    /// How long a session lives; with zero it ends with the browser. Only whole seconds: Python truncates, so that half
    /// a second would mean zero, and a layer with fractions of a second is not built.
    #[must_use]
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Whether the lifetime begins anew with each use.
    #[must_use]
    pub fn rolling(mut self, rolling: bool) -> Self {
        self.is_rolling = rolling;
        self
    }

    /// The name of the cookie.
    #[must_use]
    pub fn cookie_name(mut self, name: impl Into<String>) -> Self {
        self.cookie_name = name.into();
        self
    }

    pub(crate) fn name(&self) -> &str {
        &self.cookie_name
    }

    /// Sets the format of the values.
    #[must_use]
    pub fn serializer(mut self, serializer: impl Serializer) -> Self {
        self.format.serializer = Arc::new(serializer);
        self
    }

    /// Sets the encryption of the written values.
    #[must_use]
    pub fn encryptor(mut self, encryptor: impl Encryptor) -> Self {
        self.format.encryptor = Arc::new(encryptor);
        self
    }

    /// The bytes that a cookie leads to, and the time of the signature if the session is in its cookie.
    pub(super) async fn fetch(
        &self,
        cookie: &str,
        now: Timestamp,
    ) -> Result<Option<(Vec<u8>, Option<Timestamp>)>, StoreError> {
        Ok(match &self.store {
            Store::Cookie(store) => {
                let verified = store.verify(cookie, self.lifetime, now);
                verified.map(|(bytes, signed_at)| (bytes, Some(signed_at)))
            }
            #[cfg(feature = "redis")]
            Store::Redis(store) if is_id(cookie) => {
                store.read(cookie).await?.map(|bytes| (bytes, None))
            }
            #[cfg(feature = "redis")]
            Store::Redis(_) => None,
        })
    }

    /// The session in these bytes; `None` if they cannot be read.
    fn open(
        &self,
        bytes: &[u8],
        signed_at: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<FormerSession> {
        let Content { values, metadata } = self
            .format
            .open(bytes)
            .inspect_err(|error| tracing::warn!(%error, "a Python session is not taken over"))
            .ok()?;
        let created_at = metadata.created(now);
        let begins = if self.is_rolling {
            metadata.last_access(now)
        } else {
            created_at
        };
        // Python still accepts a signature in its last second.
        let from = signed_at.map_or(now, |signed_at| signed_at + Duration::from_secs(1));
        let mut expires_at = from + longest(self.lifetime);
        if let (false, Some(begins)) = (self.lifetime.is_zero(), begins) {
            expires_at = expires_at.min(begins + self.lifetime);
        }
        let mut former = FormerSession::new(values, expires_at);
        former.created_at = created_at;
        Some(former)
    }
}

impl Source for Sessions {
    fn cookie_name(&self) -> &str {
        &self.cookie_name
    }

    async fn find(
        &self,
        cookie: &str,
        now: Timestamp,
    ) -> Result<Option<FormerSession>, StoreError> {
        let found = self.fetch(cookie, now).await?;
        Ok(found.and_then(|(bytes, signed_at)| self.open(&bytes, signed_at, now)))
    }

    /// A session in its cookie cannot be removed: it ends by time only.
    async fn remove(&self, cookie: &str) -> Result<(), StoreError> {
        match &self.store {
            #[cfg(feature = "redis")]
            Store::Redis(store) if is_id(cookie) => store.remove(cookie).await,
            _ => {
                let _ = cookie;
                Ok(())
            }
        }
    }
}

/// Whether a text has the form of `secrets.token_hex(16)`, as every id that Python makes.
pub(super) fn is_id(text: &str) -> bool {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.len() == 32 && text.bytes().all(is_digit)
}
