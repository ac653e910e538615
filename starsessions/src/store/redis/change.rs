//! What the script that changes a session takes.
//!
//! ```text
//! change = now(5) ‖ raise(1) ‖ expires_at(5) ‖ last_seen_at(5) ‖ remembered(1) ‖ identified(1)
//!          ‖ horizon(5) ‖ seen(7) ‖ length(1) ‖ ticket ‖ count of each list(2)(2)(2)(2)
//!          ‖ (revision(7) ‖ name)* ‖ name* ‖ (idle_at(5) ‖ name)* ‖ (length(4) ‖ entry)*
//! name   = length(2) ‖ UTF-8
//! ```
//!
//! The lists are guards, fields to remove, idle deadlines and fields to set, as in
//! [`packed`].

use bytes::BufMut;

use super::packed::{self, Malformed, put_name, put_number, put_ticket, put_time, put_write};
use crate::clock::Timestamp;
use crate::record::{Commit, FieldName, FieldWrite, Touch};

/// What a session is told about its entries in the index.
#[derive(Clone, Copy, Default)]
pub(super) struct Indexed {
    /// They last until then.
    pub(super) horizon: Option<Timestamp>,
    /// All of them, if the session still has this revision, and not only those of the fields that are
    /// written.
    pub(super) seen: Option<u64>,
}

pub(super) fn of_commit(
    commit: &Commit,
    indexed: Indexed,
    ticket: &[u8],
    now: Timestamp,
) -> Result<Vec<u8>, Malformed> {
    Change {
        raise: 1,
        touch: &commit.touch,
        remembered: commit.remembered,
        identified: commit.identified,
        guards: &commit.guards,
        remove: &commit.remove,
        set: &commit.set,
    }
    .pack(indexed, ticket, now)
}

pub(super) fn of_touch(
    touch: &Touch,
    indexed: Indexed,
    now: Timestamp,
) -> Result<Vec<u8>, Malformed> {
    Change {
        raise: 0,
        touch,
        remembered: None,
        identified: false,
        guards: &[],
        remove: &[],
        set: &[],
    }
    .pack(indexed, &[], now)
}

struct Change<'a> {
    /// By how much the revision grows.
    raise: u8,
    touch: &'a Touch,
    remembered: Option<bool>,
    identified: bool,
    guards: &'a [(FieldName, u64)],
    remove: &'a [FieldName],
    set: &'a [(FieldName, FieldWrite)],
}

impl Change<'_> {
    fn pack(&self, indexed: Indexed, ticket: &[u8], now: Timestamp) -> Result<Vec<u8>, Malformed> {
        let values = self.set.iter().map(|(_, write)| write.value.len());
        let mut bytes = Vec::with_capacity(ROOM + values.sum::<usize>());
        put_time(&mut bytes, now);
        bytes.put_u8(self.raise);
        put_time(&mut bytes, self.touch.expires_at);
        put_time(&mut bytes, self.touch.last_seen_at);
        bytes.put_u8(self.remembered.map_or(AS_IT_IS, u8::from));
        bytes.put_u8(self.identified.into());
        put_time(&mut bytes, indexed.horizon.unwrap_or_default());
        let seen = indexed.seen.map_or(NO_REVISION, packed::number);
        bytes.put_uint(seen, 7);
        put_ticket(&mut bytes, ticket);
        let idle = &self.touch.idle;
        for count in [
            self.guards.len(),
            self.remove.len(),
            idle.len(),
            self.set.len(),
        ] {
            bytes.put_u16(count.try_into().map_err(|_| Malformed)?);
        }
        for (name, revision) in self.guards {
            put_number(&mut bytes, *revision);
            put_name(&mut bytes, name)?;
        }
        for name in self.remove {
            put_name(&mut bytes, name)?;
        }
        for (name, deadline) in idle {
            put_time(&mut bytes, *deadline);
            put_name(&mut bytes, name)?;
        }
        for (name, write) in self.set {
            put_write(&mut bytes, name, write)?;
        }
        Ok(bytes)
    }
}

/// Of `remembered`.
const AS_IT_IS: u8 = 2;
/// More than [`packed::number`] ever is.
const NO_REVISION: u64 = 1 << 53;
/// For all but the values, in most cases.
const ROOM: usize = 256;
