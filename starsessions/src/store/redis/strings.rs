//! Strings that another program keeps on the server, under keys of its own.

use redis::Value;

use super::RedisConnectError;
use super::failure::failed;
use super::link::{Link, RedisClient};
use crate::store::StoreError;

/// Strings by key, over a connection that comes back by itself.
pub(crate) struct Strings(Link);

impl Strings {
    pub(crate) async fn connect(client: RedisClient) -> Result<Self, RedisConnectError> {
        let link = Link::open(client).await;
        link.map(Self).map_err(RedisConnectError)
    }

    /// The string under `key`.
    pub(crate) async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let mut command = redis::cmd("GET");
        command.arg(key);
        match self.0.send(&command).await.value.map_err(failed)? {
            Value::BulkString(bytes) => Ok(Some(bytes)),
            _ => Ok(None),
        }
    }

    /// Removes what is under `key`, if something is.
    pub(crate) async fn remove(&self, key: &str) -> Result<(), StoreError> {
        let mut command = redis::cmd("DEL");
        command.arg(key);
        self.0.send(&command).await.value.map_err(failed)?;
        Ok(())
    }
}
