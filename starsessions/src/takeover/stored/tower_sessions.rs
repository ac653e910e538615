//! The sessions of tower-sessions.

use std::collections::BTreeMap;

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::Deserialize;

use super::database::{Database, Table};
use crate::clock::Timestamp;
use crate::store::StoreError;
use crate::takeover::{FormerSession, JsonObject, Source};

/// The sessions that tower-sessions keeps in SQLite, PostgreSQL, MySQL or Redis, with the stores of
/// `tower-sessions-sqlx-store` and `tower-sessions-redis-store`; also those with which axum-login signs in.
///
/// ```
/// # #[cfg(feature = "postgres")]
/// # mod example {
/// use starsessions::{KeyRing, PostgresStore, Session, SessionLayer};
/// use starsessions::takeover::{TakeOver, TowerSessions};
///
/// #[derive(Session)]
/// struct Counter {
///     counter: u64, // was `session.insert("counter", ..)`
/// }
///
/// fn sessions(pool: sqlx::PgPool, keys: KeyRing) -> Result<SessionLayer, Box<dyn std::error::Error>> {
///     let former = TakeOver::new(TowerSessions::new(pool.clone()), |former, taken| {
///         taken.insert_if(former.view::<Counter>())
///     });
///     Ok(SessionLayer::builder(PostgresStore::new(pool), keys).take_over(former).build()?)
/// }
/// # }
/// ```
///
/// From a cookie of `with_signed`, the source takes the id, which is 128 random bits with or without a signature. A
/// cookie encrypted by `with_private` cannot be read; for it, implement a [`Source`].
#[derive(Debug)]
pub struct TowerSessions {
    database: Database,
    table: Table,
    cookie_name: String,
}

impl TowerSessions {
    /// The sessions in this database, with tower-sessions' default table and cookie.
    #[must_use]
    pub fn new(database: impl Into<Database>) -> Self {
        let database = database.into();
        let (schema, name) = if database.is_sqlite() {
            (None, "tower_sessions")
        } else {
            (Some("tower_sessions".to_owned()), "session")
        };
        let table = Table {
            schema,
            name: name.to_owned(),
            column: "data",
            ..Table::default()
        };
        Self {
            database,
            table,
            cookie_name: "id".to_owned(),
        }
    }

    /// The name that `SessionManagerLayer::with_name` was given; `id` by default.
    #[must_use]
    pub fn cookie_name(mut self, name: impl Into<String>) -> Self {
        self.cookie_name = name.into();
        self
    }

    /// The name that the store's `with_schema_name` was given.
    #[must_use]
    pub fn schema_name(mut self, name: impl Into<String>) -> Self {
        self.table.schema = Some(name.into());
        self
    }

    /// The name that the store's `with_table_name` was given.
    #[must_use]
    pub fn table_name(mut self, name: impl Into<String>) -> Self {
        self.table.name = name.into();
        self
    }
}

impl Source for TowerSessions {
    fn cookie_name(&self) -> &str {
        &self.cookie_name
    }

    fn id<'c>(&self, cookie: &'c str) -> &'c str {
        Id::of(cookie).map_or(cookie, |id| id.text)
    }

    async fn find(
        &self,
        cookie: &str,
        now: Timestamp,
    ) -> Result<Option<FormerSession>, StoreError> {
        let Some(id) = Id::of(cookie) else {
            return Ok(None);
        };
        let bytes = self.database.find(&self.table, id.text, now).await?;
        Ok(bytes.and_then(|bytes| id.open(&bytes)))
    }

    async fn remove(&self, cookie: &str) -> Result<(), StoreError> {
        match Id::of(cookie) {
            Some(id) => self.database.remove(&self.table, id.text).await,
            None => Ok(()),
        }
    }
}

/// The id of a session: 16 bytes as base64url, at the end of a cookie's value.
struct Id<'c> {
    text: &'c str,
    number: i128,
}

impl<'c> Id<'c> {
    fn of(cookie: &'c str) -> Option<Self> {
        let text = cookie.get(cookie.len().checked_sub(LENGTH)?..)?;
        let mut bytes = [0; 16];
        Base64UrlUnpadded::decode(text, &mut bytes).ok()?;
        let number = i128::from_le_bytes(bytes);
        Some(Self { text, number })
    }

    /// The session in a record, which is MessagePack: the id, the values and the end. The id is compared, because a
    /// database may ignore case.
    fn open(&self, bytes: &[u8]) -> Option<FormerSession> {
        // The message of a decoder often quotes the value.
        let Ok((id, values, end)) = decode(bytes) else {
            tracing::warn!(
                "a session of tower-sessions cannot be read: is it another application's?"
            );
            return None;
        };
        if id != self.number {
            return None;
        }
        let values = JsonObject::parse(&serde_json::to_vec(&values).ok()?)?;
        Some(FormerSession::new(values, seconds(end)?))
    }
}

fn decode(bytes: &[u8]) -> Result<Stored, rmp_serde::decode::Error> {
    let mut reader = rmp_serde::Deserializer::from_read_ref(bytes);
    reader.set_max_depth(MAX_DEPTH);
    Stored::deserialize(&mut reader)
}

/// The id, the values, and the time of the end.
type Stored = (i128, BTreeMap<String, serde_json::Value>, Moment);

/// `time::OffsetDateTime`: year, day of the year, hour, minute, second, nanosecond, and the three parts of the offset.
type Moment = (i32, u16, u8, u8, u8, u32, i8, i8, i8);

fn seconds(
    (year, day, hour, minute, second, _, hours, minutes, seconds): Moment,
) -> Option<Timestamp> {
    let years = i64::from(year) - 1;
    let leap_days = years.div_euclid(4) - years.div_euclid(100) + years.div_euclid(400);
    let days = 365 * years + leap_days + i64::from(day) - 1 - DAYS_BEFORE_1970;
    let hours = 24 * days + i64::from(hour) - i64::from(hours);
    let minutes = 60 * hours + i64::from(minute) - i64::from(minutes);
    let seconds = 60 * minutes + i64::from(second) - i64::from(seconds);
    Some(Timestamp::from_unix_seconds(seconds.try_into().ok()?))
}

const LENGTH: usize = 22;
/// Room for values as deep as `serde_json` reads them, within the stack of a thread.
const MAX_DEPTH: usize = 160;
/// The days from 1 January of the year 1 to 1 January 1970.
const DAYS_BEFORE_1970: i64 = 719_162;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_seconds_of_unix() {
        let at = |moment| seconds(moment).map(Timestamp::as_unix_seconds);
        assert_eq!(at((1970, 1, 0, 0, 0, 0, 0, 0, 0)), Some(0));
        assert_eq!(at((1969, 365, 23, 59, 59, 9, 0, 0, 0)), None);
        assert_eq!(at((2000, 366, 23, 59, 59, 9, 0, 0, 0)), Some(978_307_199));
        assert_eq!(at((2001, 1, 1, 30, 1, 0, 1, 30, 1)), Some(978_307_200));
        assert_eq!(
            at((9999, 365, 23, 59, 59, 0, 0, 0, 0)),
            Some(253_402_300_799)
        );
        assert!(at((i32::MAX, 1, 0, 0, 0, 0, 0, 0, 0)).is_some());
        assert_eq!(at((i32::MIN, 1, 0, 0, 0, 0, 0, 0, 0)), None);
    }

    /// The record of the id of sixteen zeros, with this as the value `a`.
    fn opened(value: &[u8]) -> Option<FormerSession> {
        let mut record = vec![0x93, 0xc4, 16];
        record.extend([0; 16]);
        record.extend([0x81, 0xa1, b'a']);
        record.extend(value);
        record.extend([0x99, 0xcd, 0x07, 0xd0, 1, 0, 0, 0, 0, 0, 0, 0]);
        Id::of(&"A".repeat(LENGTH)).unwrap().open(&record)
    }

    /// As in a database that others write to as well.
    #[test]
    fn what_is_no_value_is_no_session_however_it_is_made() {
        let nested = |depth| [vec![0x91; depth], vec![1]].concat();
        assert!(opened(&[1]).is_some());
        assert!(opened(&nested(127)).is_some());
        for depth in [200, 1_000, 100_000] {
            assert!(opened(&nested(depth)).is_none(), "{depth}");
        }
        // Lengths that are lies, and what JSON does not have.
        for value in [
            &[0xdd, 0xff, 0xff, 0xff, 0xff, 1][..],
            &[0xdf, 0xff, 0xff, 0xff, 0xff, 1],
            &[0xdb, 0xff, 0xff, 0xff, 0xff, 1],
            &[0xc6, 0xff, 0xff, 0xff, 0xff, 1],
            &[0xc9, 0xff, 0xff, 0xff, 0xff, 1],
            &[0xc1],
            &[0xa1, 0xff],
            &[0xc4, 1, 1],
            &[0xd4, 1, 1],
            &[0x81, 0x91, 1, 1],
            &[0x81, 1, 1],
        ] {
            assert!(opened(value).is_none(), "{value:x?}");
        }
    }

    #[test]
    fn an_id_is_at_the_end_of_a_cookie() {
        let id = "AAECAwQFBgcICQoLDA0ODw";
        let signed = format!("{}{id}", "A".repeat(44));
        for cookie in [id, &signed] {
            assert_eq!(Id::of(cookie).map(|id| id.text), Some(id));
        }
        for cookie in [
            "",
            "x",
            &id[1..],
            "AAECAwQFBgcICQoLDA0ODé",
            "AAECAwQFBgcICQoLDA0OD=",
        ] {
            assert!(Id::of(cookie).is_none(), "{cookie}");
        }
    }
}
