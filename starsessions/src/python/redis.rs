//! `RedisStore` of the Python library.

use std::fmt;
use std::sync::Arc;

use crate::store::{RedisClient, RedisConnectError, StoreError, Strings};

/// `RedisStore(connection, prefix="starsessions.")`: one string for each session.
///
/// The server's connection is this store's own, and is closed with it.
pub struct RedisStore {
    strings: Strings,
    key: Arc<dyn Fn(&str) -> String + Send + Sync>,
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

    pub(super) async fn read(&self, id: &str) -> Result<Option<Vec<u8>>, StoreError> {
        self.strings.get(&(self.key)(id)).await
    }

    pub(super) async fn remove(&self, id: &str) -> Result<(), StoreError> {
        self.strings.remove(&(self.key)(id)).await
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").finish_non_exhaustive()
    }
}
