//! The sessions of axum_session.

use std::collections::HashMap;
use std::time::Duration;

use super::database::{Database, Table};
use crate::clock::Timestamp;
use crate::store::StoreError;
use crate::takeover::{FormerSession, JsonObject, Source};

/// The sessions that axum_session keeps in SQLite, PostgreSQL, MySQL or Redis, with the pools of `axum_session_sqlx`
/// and `axum_session_redispool`. The user of `axum_session_auth` is in the value `user_auth_session_id`.
///
/// ```
/// # #[cfg(feature = "postgres")]
/// # mod example {
/// use starsessions::{KeyRing, PostgresStore, Session, SessionLayer};
/// use starsessions::takeover::{AxumSession, TakeOver};
///
/// #[derive(Session)]
/// struct Login {
///     #[session(required, rotate, rename = "user_auth_session_id")]
///     user: i64,
/// }
///
/// fn sessions(pool: sqlx::PgPool, keys: KeyRing) -> Result<SessionLayer, Box<dyn std::error::Error>> {
///     let former = TakeOver::new(AxumSession::new(pool.clone()), |former, taken| {
///         taken.insert_if(former.view::<Login>())
///     });
///     Ok(SessionLayer::builder(PostgresStore::new(pool), keys).take_over(former).build()?)
/// }
/// # }
/// ```
///
/// From a cookie of `with_key`, the source takes the id, a random UUID. It does not check the signature, which may bind
/// the cookie to an address and a browser. Sessions encrypted by `with_database_key` cannot be read. A session that
/// axum_session has only in memory, or has not written yet, is not found.
#[derive(Debug)]
pub struct AxumSession {
    database: Database,
    table: Table,
    cookie_name: String,
}

impl AxumSession {
    /// The sessions in this database, with axum_session's default table and cookie.
    #[must_use]
    pub fn new(database: impl Into<Database>) -> Self {
        let table = Table {
            column: "session",
            end: Some("expires"),
            ..Table::default()
        };
        let session = Self {
            database: database.into(),
            table,
            cookie_name: "session".to_owned(),
        };
        session.table_name("sessions")
    }

    /// The name that `SessionConfig::with_session_name` was given; `session` by default. With `with_prefix_with_host`,
    /// put `__Host-` in front.
    #[must_use]
    pub fn cookie_name(mut self, name: impl Into<String>) -> Self {
        self.cookie_name = name.into();
        self
    }

    /// The name that `SessionConfig::with_table_name` was given; `sessions` by default. In Redis, the name precedes the
    /// ids.
    #[must_use]
    pub fn table_name(mut self, name: impl Into<String>) -> Self {
        self.table.name = name.into();
        self.table.prefix = match &*self.table.name {
            "" => String::new(),
            name => format!("{name}:"),
        };
        self
    }
}

impl Source for AxumSession {
    fn cookie_name(&self) -> &str {
        &self.cookie_name
    }

    fn id<'c>(&self, cookie: &'c str) -> &'c str {
        id(cookie).unwrap_or(cookie)
    }

    async fn find(
        &self,
        cookie: &str,
        now: Timestamp,
    ) -> Result<Option<FormerSession>, StoreError> {
        let Some(id) = id(cookie) else {
            return Ok(None);
        };
        let bytes = self.database.find(&self.table, id, now).await?;
        Ok(bytes.and_then(|bytes| {
            let values = open(&bytes)?;
            Some(FormerSession::new(values, now + LONGEST))
        }))
    }

    async fn remove(&self, cookie: &str) -> Result<(), StoreError> {
        match id(cookie) {
            Some(id) => self.database.remove(&self.table, id).await,
            None => Ok(()),
        }
    }
}

/// A UUID, at the end of a cookie's value.
fn id(cookie: &str) -> Option<&str> {
    let id = cookie.get(cookie.len().checked_sub(UUID)?..)?;
    let is_uuid = id.bytes().enumerate().all(|(place, byte)| match place {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
    });
    is_uuid.then_some(id)
}

/// The values of a session. Each value is stored as JSON in a string.
fn open(bytes: &[u8]) -> Option<JsonObject> {
    let session = JsonObject::parse(bytes);
    let data: Option<HashMap<String, String>> = session.and_then(|session| session.get("data"));
    let Some(data) = data else {
        tracing::warn!(
            "a session of axum_session cannot be read: is it encrypted by `with_database_key`?"
        );
        return None;
    };
    let mut values = JsonObject::default();
    for (name, text) in data {
        // `set_text` leaves out a value that is not JSON.
        values.set_text(&name, &text);
    }
    Some(values)
}

const UUID: usize = 36;
/// How long axum_session keeps a long-term session by default.
const LONGEST: Duration = Duration::from_secs(60 * 24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_at_the_end_of_a_cookie() {
        let uuid = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";
        let signed = format!("{}%3D{uuid}", "A".repeat(43));
        for cookie in [uuid, &signed] {
            assert_eq!(id(cookie), Some(uuid));
        }
        for cookie in [
            "",
            &uuid[1..],
            &uuid.to_uppercase(),
            &uuid.replace('-', "0"),
            &uuid.replace('4', "é"),
        ] {
            assert_eq!(id(cookie), None, "{cookie}");
        }
    }

    #[test]
    fn values_are_the_json_in_their_texts() {
        let text =
            r#"{"data": {"a": "{\"b\": 1}", "s": "\"text\"", "broken": ""}, "longterm": true}"#;
        let values = open(text.as_bytes()).unwrap();
        assert_eq!(values.text("a"), Some(r#"{"b": 1}"#));
        assert_eq!(values.get::<String>("s").as_deref(), Some("text"));
        assert_eq!(values.text("broken"), None);
        assert!(open(b"[]").is_none());
    }
}
