//! The sessions that are filed under an index key.
//!
//! Each index key has a sorted set with the keys of the rows that are filed under it. On one server, the set changes
//! in one step with the rows. In a Cluster, the set is in another slot. Therefore a row is entered *before* it is
//! written and taken out *after* it is gone, and a list shows only rows that have the index key themselves. A crash in
//! between leaves an entry without a row, never a session that cannot be found.
//!
//! If the key of an index holds a value of another type, the next entry begins the index anew, and the store logs an
//! error. Until then a list fails: a revocation that misses sessions must not look complete.
//!
//! An entry ends at the end of the day after the row's deadline, so that it is renewed once a day, not with each
//! request, and so that the clocks of nodes may differ.

use std::collections::BTreeSet;

use base64ct::{Base64UrlUnpadded, Encoding};
use redis::{Cmd, Value};

use super::link::{Script, contended};
use super::rows::{LAST_SECOND, Rows, SESSION, encoded, row_of};
use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::store::{Listed, Result, Row};

/// For each change: the list; the mode (make, prolong or take out), the second in which the entry ends, and the entry.
pub(super) type Entries = Vec<(String, (&'static str, u64, String))>;

impl Rows {
    /// On one server, one script reads the list and the rows. In a Cluster, a session may move between the two reads.
    /// The list is therefore read again until every entry without a live row was seen, unchanged, in the read before:
    /// such a session had moved or ended before this read began, so its new key is in the list.
    pub(super) async fn listed(&self, index_key: &IndexKey, now: Timestamp) -> Result<Vec<Listed>> {
        let mut before = BTreeSet::new();
        for _ in 0..MAX_READS {
            let (mut listed, mut nowhere) = (Vec::new(), BTreeSet::new());
            for (key, row) in self.read_list(index_key, now).await? {
                let entry = row
                    .as_ref()
                    .and_then(|row| Listed::under(index_key, key, row, now));
                match entry {
                    Some(entry) => listed.push(entry),
                    None => _ = nowhere.insert((key, row.map(|row| row.revision))),
                }
            }
            if !self.link.is_cluster || nowhere.is_subset(&before) {
                return Ok(listed);
            }
            before = nowhere;
        }
        Err(contended())
    }

    /// Reads the rows under the keys of an index, in a Cluster from many nodes.
    async fn read_list(
        &self,
        index_key: &IndexKey,
        now: Timestamp,
    ) -> Result<Vec<(RowKey, Option<Row>)>> {
        let (name, now) = (self.index_name(index_key), now.as_unix_seconds());
        let start = self.prefix.clone() + SESSION;
        let found: Vec<(Vec<u8>, Value)> = if self.link.is_cluster {
            let entries = Cmd::zrangebyscore(name, now, "+inf");
            let entries: Vec<Vec<u8>> = self.link.send(&entries).await.read()?;
            if entries.is_empty() {
                return Ok(Vec::new());
            }
            let names = entries
                .iter()
                .map(|entry| [start.as_bytes(), entry].concat());
            let rows = Cmd::mget(names.collect::<Vec<_>>());
            let rows: Vec<_> = self.link.send(&rows).await.read()?;
            entries.into_iter().zip(rows).collect()
        } else {
            let arguments = (now, start, LARGEST - 1);
            self.link.run(&LISTED, &[name], arguments).await.read()?
        };
        // A value that is not a row counts as absent: it is not a session either.
        let found = found.into_iter().filter_map(|(entry, value)| {
            Some((key_of(&entry)?, row_of(value).unwrap_or_default()))
        });
        Ok(found.collect())
    }

    /// The changes of a key's entries when `row` replaces `found`. An entry that lasts long enough does not change.
    pub(super) fn entries(&self, key: &RowKey, found: Option<&Row>, row: Option<&Row>) -> Entries {
        let [before, after] = [found, row].map(|row| row.map_or(&[][..], Row::index_keys));
        let [lasts, end] = [found, row].map(|row| row.map_or(0, |row| end_of_entry(row.deadline)));
        // In a Cluster, a missing entry means that the session has ended: only prolong an existing one.
        let prolong = if self.link.is_cluster { "XX" } else { ENTER };
        let entered = after.iter().filter_map(|index_key| {
            let is_entered = before.contains(index_key);
            let mode = if is_entered { prolong } else { ENTER };
            (!is_entered || lasts < end).then_some((index_key, mode))
        });
        let left = before.iter().filter(|index_key| !after.contains(index_key));
        let all = entered.chain(left.map(|index_key| (index_key, LEAVE)));
        all.map(|(index_key, mode)| {
            let entry = (mode, end, encoded(key.as_bytes()));
            (self.index_name(index_key), entry)
        })
        .collect()
    }

    /// Makes entries in a Cluster, before rows are written. Each list may be on another node.
    pub(super) async fn enter(&self, entries: Entries, now: Timestamp) -> Result<()> {
        for entry in entries {
            self.write([], vec![entry], now).await.read::<Value>()?;
        }
        Ok(())
    }

    /// Takes entries out in a Cluster, after rows are written. Another write may have filed the rows again meanwhile,
    /// so their entries are made once more.
    pub(super) async fn leave(&self, keys: &[&RowKey], left: Entries, now: Timestamp) {
        if left.is_empty() {
            return;
        }
        self.take_out(left).await;
        for key in keys {
            if let Ok(row) = self.fetch(key).await {
                let entries = self.entries(key, None, row.as_ref());
                let _: Result<_> = self.enter(entries, now).await;
            }
        }
    }

    /// The removal may fail: an entry that stays has no row.
    pub(super) async fn take_out(&self, entries: Entries) {
        for (list, (.., entry)) in entries {
            self.link.send(&Cmd::zrem(list, entry)).await;
        }
    }

    pub(super) fn index_name(&self, index_key: &IndexKey) -> String {
        self.prefix.clone() + "index:" + &encoded(index_key.as_bytes())
    }
}

/// The row's key of an entry, which is the last part of the key's name on the server. `None`, which skips the entry,
/// if it has another form.
fn key_of(entry: &[u8]) -> Option<RowKey> {
    let mut key = [0; RowKey::LEN];
    let bytes = Base64UrlUnpadded::decode(entry, &mut key).ok()?;
    (bytes.len() == RowKey::LEN).then(|| RowKey::from_bytes(key))
}

/// The mode that makes an entry, or prolongs an existing one.
const ENTER: &str = "CH";
/// The mode that takes an entry out.
pub(super) const LEAVE: &str = "OUT";

/// The second in which an entry ends: the same for all deadlines of a day.
fn end_of_entry(deadline: Timestamp) -> u64 {
    let day = deadline.as_unix_seconds() / DAY;
    (day.saturating_add(2)).saturating_mul(DAY).min(LAST_SECOND)
}

const DAY: u64 = 24 * 3_600;

/// A third read is needed only if another session moves or ends during the second, and so on.
const MAX_READS: usize = 32;

/// In bytes; more than a row with the largest session takes.
const LARGEST: usize = 2 * 1024 * 1024;

// index key; now, the prefix of the keys of rows, the last place of a value that is read: a value of another program
// may be so large that all do not fit into one reply. Not for a Cluster.
// Returns each entry with the value of its key, if that is a string. An error other than of the type ends the script:
// a node of a Cluster returns such an error for keys of other nodes, and the list would be incomplete.
static LISTED: Script = Script::new(
    r"
local found = {}
for _, entry in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], ARGV[1], '+inf')) do
    local row = redis.pcall('GETRANGE', ARGV[2] .. entry, 0, ARGV[3])
    local is_error = type(row) == 'table'
    if is_error and not string.find(row.err, 'WRONGTYPE', 1, true) then return row end
    found[#found + 1] = {entry, not is_error and row}
end
return found
",
);
