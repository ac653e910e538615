//! The code of the guide "From tower-sessions", word for word.

use starsessions::Timestamp;
use starsessions::store::StoreError;
use starsessions::takeover::{FormerSession, JsonObject, Source};
use tower_sessions::SessionStore;

/// The sessions of any store of tower-sessions.
pub struct Theirs<S>(pub S);

impl<S: SessionStore> Source for Theirs<S> {
    fn cookie_name(&self) -> &str {
        "id" // what `SessionManagerLayer` was given by `with_name`
    }

    async fn find(&self, cookie: &str, _: Timestamp) -> Result<Option<FormerSession>, StoreError> {
        let Ok(id) = cookie.parse() else {
            return Ok(None);
        };
        let record = self.0.load(&id).await.map_err(unavailable)?;
        Ok(record.and_then(|record| {
            let values = JsonObject::parse(&serde_json::to_vec(&record.data).ok()?)?;
            let expires_at = record.expiry_date.unix_timestamp().try_into().ok()?;
            let expires_at = Timestamp::from_unix_seconds(expires_at);
            Some(FormerSession::new(values, expires_at))
        }))
    }

    async fn remove(&self, cookie: &str) -> Result<(), StoreError> {
        let Ok(id) = cookie.parse() else {
            return Ok(());
        };
        self.0.delete(&id).await.map_err(unavailable)
    }
}

fn unavailable(error: tower_sessions::session_store::Error) -> StoreError {
    StoreError::Unavailable(error.into())
}
