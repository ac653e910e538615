//! What the guide "From tower-sessions" shows, word for word.

use serde::Deserialize;
use starsessions::store::StoreError;
use starsessions::takeover::{FormerSession, JsonObject, Source, TakeOver};
use starsessions::{Session, Timestamp};
use tower_sessions::SessionStore;

/// The sessions of any store of tower-sessions.
pub struct TowerSessions<S>(pub S);

impl<S: SessionStore> Source for TowerSessions<S> {
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

/// Who is signed in. axum-login keeps it under `axum-login.data`.
#[derive(Session)]
#[session(reject = "/login")]
pub struct Login {
    #[session(required, rotate, index)]
    pub user: i64,
}

#[derive(Deserialize)]
struct AxumLogin {
    user_id: i64,
}

/// Was `session.insert("counter", ..)`.
#[derive(Session)]
pub struct Counter {
    #[session(merge = sum)]
    pub counter: u64,
}

/// What goes on of a session of theirs.
pub fn former<S: SessionStore>(store: S) -> TakeOver {
    TakeOver::new(TowerSessions(store), |former, taken| {
        if let Some(AxumLogin { user_id }) = former.get("axum-login.data") {
            taken.insert(Login { user: user_id })?;
        }
        taken.insert_if(former.view::<Counter>())
    })
}
