//! `RedisStore` of the Python library.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::store::{RedisClient, RedisConnectError, Strings};

/// `RedisStore(connection, prefix="starsessions.", gc_ttl=2592000)`: one string for each session.
///
/// Its connection is its own, and is closed when it is dropped.
pub struct RedisStore {
    pub(super) strings: Strings,
    key: Arc<dyn Fn(&str) -> String + Send + Sync>,
    pub(super) gc_ttl: Duration,
}

impl RedisStore {
    /// Connects, so that a wrong address is seen at the start of the application.
    ///
    /// # Errors
    /// If the server cannot be reached.
    pub async fn connect(client: impl Into<RedisClient>) -> Result<Self, RedisConnectError> {
        Ok(Self {
            strings: Strings::connect(client.into()).await?,
            key: Arc::new(|id| format!("starsessions.{id}")),
            gc_ttl: GC_TTL,
        })
    }

    /// `prefix`, where it is a string.
    #[must_use]
    pub fn prefix(self, prefix: impl Into<String>) -> Self {
        let prefix = prefix.into();
        self.key(move |id| format!("{prefix}{id}"))
    }

    /// `prefix`, where it is a callable: from a session's id to its key.
    #[must_use]
    pub fn key(mut self, key: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        self.key = Arc::new(key);
        self
    }

    /// `gc_ttl`: how long a session without a lifetime is kept after it was used; 30 days.
    #[must_use]
    pub fn gc_ttl(mut self, gc_ttl: Duration) -> Self {
        self.gc_ttl = gc_ttl;
        self
    }

    /// Where the session of this id is.
    pub(super) fn key_of(&self, id: &str) -> String {
        (self.key)(id)
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").finish_non_exhaustive()
    }
}

const GC_TTL: Duration = Duration::from_secs(30 * 24 * 3600);
