//! The sessions that are filed under an index key.
//!
//! Beside the rows there is a sorted set for each index key, with the keys of the rows that are filed under
//! it. In a Cluster it is in another slot, so no script can change both. Therefore a row is entered *before*
//! it is written and taken out *after* it is gone, and a list has what the rows themselves say. A crash
//! in between leaves an entry that leads nowhere, never a session that cannot be found.
//!
//! If the key of an index holds something else, the next row to be entered begins the index anew, and the
//! store says so. Until then a list fails: a revocation that missed sessions is not to look complete.
//!
//! An entry ends with the day after the one in which the row's deadline is, so that it is entered again once
//! in a day and not with each request, and that clocks of nodes may differ.

use std::collections::BTreeMap;

use base64ct::{Base64UrlUnpadded, Encoding};
use redis::{Cmd, Value};

use super::failure::{contended, lost_index};
use super::link::Script;
use super::rows::{LAST_SECOND, Rows, SESSION, encoded, row_of};
use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::store::{Listed, Result, Row};

/// What a look at an index has found: what is under the keys that it has.
type Look = BTreeMap<RowKey, Option<Row>>;

impl Rows {
    /// On one server, a look is of one moment, however fast sessions move. In a Cluster, a session that moves between
    /// the look at the index and the look at the rows is entered under its new key by then, and its former key leads
    /// nowhere. So a look has missed nothing if whatever leads nowhere in it is as it was in the look before: then it
    /// had moved, or ended, before the index was read.
    pub(super) async fn listed(&self, index_key: &IndexKey, now: Timestamp) -> Result<Vec<Listed>> {
        let is_filed = |row: &Row| row.is_live(now) && row.index_keys().contains(index_key);
        let revision = |row: &Option<Row>| row.as_ref().map(|row| row.revision);
        let mut before = Look::new();
        for _ in 0..MAX_LOOKS {
            let found = self.look(index_key, now).await?;
            let is_proven = |(key, row): (&RowKey, &Option<Row>)| {
                row.as_ref().is_some_and(is_filed)
                    || before
                        .get(key)
                        .is_some_and(|before| revision(before) == revision(row))
            };
            if self.link.is_cluster() && !found.iter().all(is_proven) {
                before = found;
                continue;
            }
            let listed = |(key, row): (_, Option<Row>)| Listed::new(key, &row.filter(is_filed)?);
            return Ok(found.into_iter().filter_map(listed).collect());
        }
        Err(contended())
    }

    /// What is under the keys of an index: a Cluster has them in many places.
    async fn look(&self, index_key: &IndexKey, now: Timestamp) -> Result<Look> {
        let (name, now) = (self.index_name(index_key), now.as_unix_seconds());
        let start = self.prefix.clone() + SESSION;
        let found: Vec<(Vec<u8>, Value)> = if self.link.is_cluster() {
            let entries = Cmd::zrangebyscore(name, now, "+inf");
            let entries: Vec<Vec<u8>> = self.link.send(&entries).await.read()?;
            if entries.is_empty() {
                return Ok(Look::new());
            }
            let names = entries
                .iter()
                .map(|entry| [start.as_bytes(), entry].concat());
            let rows = Cmd::mget(names.collect::<Vec<_>>());
            let rows: Vec<_> = self.link.send(&rows).await.read()?;
            entries.into_iter().zip(rows).collect()
        } else {
            self.link.run(&LISTED, &[name], (now, start)).await.read()?
        };
        // What is not a row is passed over: it is not a session either.
        let found = found.into_iter().filter_map(|(entry, value)| {
            Some((key_of(&entry)?, row_of(value).unwrap_or_default()))
        });
        Ok(found.collect())
    }

    /// Enters a row that is about to take the place of `seen`, where that is not entered or not for as long.
    /// Returns whether there was something to enter.
    pub(super) async fn file(
        &self,
        key: &RowKey,
        seen: Option<&Row>,
        row: &Row,
        now: Timestamp,
    ) -> Result<bool> {
        let end = end_of_entry(row.deadline);
        let lasts = seen.is_some_and(|seen| end <= end_of_entry(seen.deadline));
        let entered = seen.map_or(&[] as &[_], Row::index_keys);
        let mut is_filed = false;
        for index_key in row.index_keys() {
            let is_entered = entered.contains(index_key);
            if is_entered && lasts {
                continue;
            }
            // In a Cluster, what is not entered any more has ended.
            let mode = match is_entered && self.link.is_cluster() {
                true => "XX",
                false => "CH",
            };
            let arguments = (encoded(key.as_bytes()), end, now.as_unix_seconds(), mode);
            let keys = [self.index_name(index_key)];
            let run = self.link.run(&FILE, &keys, arguments);
            if run.await.read::<i64>()? == BEGUN_ANEW {
                self.outages.report(&lost_index(), now);
            }
            is_filed = true;
        }
        Ok(is_filed)
    }

    /// Takes out what a row, which has taken the place of `seen`, is not filed under any more. If another
    /// write has filed it again by then, it is entered again.
    pub(super) async fn unfile(&self, key: &RowKey, seen: &Row, row: &Row, now: Timestamp) {
        let index_keys: Vec<_> = left_behind(seen, row).copied().collect();
        if index_keys.is_empty() {
            return;
        }
        self.take_out(key, &index_keys).await;
        if let Ok(Some(row)) = self.fetch(key).await {
            let _: Result<_> = self.file(key, None, &row, now).await;
        }
    }

    /// An entry that stays leads nowhere, so its removal may fail.
    pub(super) async fn take_out(&self, key: &RowKey, index_keys: &[IndexKey]) {
        for index_key in index_keys {
            let entry = encoded(key.as_bytes());
            let command = Cmd::zrem(self.index_name(index_key), entry);
            self.link.send(&command).await;
        }
    }

    pub(super) fn index_name(&self, index_key: &IndexKey) -> String {
        self.prefix.clone() + "index:" + &encoded(index_key.as_bytes())
    }
}

/// What `seen` is filed under, and the row in its place is not.
pub(super) fn left_behind<'a>(seen: &'a Row, row: &'a Row) -> impl Iterator<Item = &'a IndexKey> {
    let is_left = |it: &&IndexKey| !row.index_keys().contains(it);
    seen.index_keys().iter().filter(is_left)
}

/// An entry is the last part of the name that the row's key has on the server. What is no entry leads to no
/// row, and is passed over.
fn key_of(entry: &[u8]) -> Option<RowKey> {
    let mut key = [0; RowKey::LEN];
    let bytes = Base64UrlUnpadded::decode(entry, &mut key).ok()?;
    (bytes.len() == RowKey::LEN).then(|| RowKey::from_bytes(key))
}

/// What [`FILE`] returns if the key has held something else.
const BEGUN_ANEW: i64 = 2;

/// The second in which an entry ends: one for all deadlines of a day.
fn end_of_entry(deadline: Timestamp) -> u64 {
    let day = deadline.as_unix_seconds() / DAY;
    (day.saturating_add(2)).saturating_mul(DAY).min(LAST_SECOND)
}

const DAY: u64 = 24 * 3_600;

/// Each but the first two means that another session has moved or ended at this moment.
const MAX_LOOKS: usize = 32;

// index key; entry, the second in which it ends, now, XX to prolong it only or CH.
// Drops a bounded number of entries that have ended, so that no call takes long.
// Returns 1, or 2 if the key has held something that is no index and was dropped for it.
static FILE: Script = Script::new(
    r"
local call, index, done = redis.call, KEYS[1], 1
local added = redis.pcall('ZADD', index, ARGV[4], 'GT', ARGV[2], ARGV[1])
if type(added) == 'table' and added.err then
    if not string.find(added.err, 'WRONGTYPE', 1, true) then return added end
    call('DEL', index)
    call('ZADD', index, ARGV[2], ARGV[1])
    done = 2
end
local ended = call('ZRANGEBYSCORE', index, '-inf', ARGV[3], 'LIMIT', 0, 100)
if #ended > 0 then call('ZREM', index, unpack(ended)) end
local last = call('ZREVRANGE', index, 0, 0, 'WITHSCORES')[2]
if last then call('EXPIREAT', index, last) end
return done
",
);

// index key; now, what the keys of rows begin with. Not for a Cluster.
// Returns each entry with what is under its key, if that is a string.
static LISTED: Script = Script::new(
    r"
local found = {}
for _, entry in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[1], '+inf')) do
    local row = redis.pcall('GET', ARGV[2] .. entry)
    if type(row) ~= 'string' then row = false end
    found[#found + 1] = {entry, row}
end
return found
",
);
