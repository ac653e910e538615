//! The compare-and-swap of rows, which every write uses.

use std::iter::zip;
use std::mem;
use std::sync::atomic::Ordering;

use redis::{Cmd, Value};

use super::index::{Entries, LEAVE};
use super::link::{Reply, Script, contended};
use super::rows::{MAX_ATTEMPTS, Rows, end_of_key, row_of};
use crate::clock::Timestamp;
use crate::crypto::RowKey;
use crate::store::again::Answer;
use crate::store::{Result, Row, StoreError, packed};

/// The outcome of a change: an error holds the rows that were found, and nothing was written.
type Change<const N: usize> = Answer<Result<(), [Option<Row>; N]>>;

impl Rows {
    /// Replaces the rows that were `found` by what `next` returns for them, all or none. If other rows are stored
    /// by now, asks `next` for those. Writes nothing if `next` returns `None`.
    pub(super) async fn change<const N: usize>(
        &self,
        keys: [&RowKey; N],
        mut found: [Option<Row>; N],
        next: impl Fn(&[Option<Row>; N]) -> Option<[Row; N]>,
        now: Timestamp,
    ) -> Result<Change<N>> {
        for (key, found) in zip(keys, &mut found) {
            // A row that has expired since it was seen may have been touched, so it is read again.
            if found.as_ref().is_some_and(|row| !row.is_live(now)) {
                *found = self.fetch(key).await?;
            }
        }
        let (mut is_repeated, mut is_full) = (false, false);
        for _ in 0..MAX_ATTEMPTS {
            let Some(rows) = next(&found) else {
                let value = Err(found);
                return Ok(Answer { value, is_repeated });
            };
            let places = || zip(keys, zip(&found, &rows));
            let all = places()
                .flat_map(|(key, (found, row))| self.entries(key, found.as_ref(), Some(row)));
            let (mut entries, mut later): (Entries, Entries) =
                all.partition(|(_, (mode, ..))| *mode != LEAVE);
            match self.link.is_cluster {
                true => self.enter(mem::take(&mut entries), now).await?,
                false => entries.append(&mut later),
            }
            let set = match (&keys[..], &found[..], &rows[..]) {
                ([key], [found], [row]) if entries.is_empty() && !is_full => {
                    self.set(key, found.as_ref(), row)
                }
                _ => None,
            };
            let reply = match &set {
                Some(set) => self.link.send(set).await,
                None => {
                    let written = places().map(|(key, (found, row))| {
                        let head = found.as_ref().map(packed::head).unwrap_or_default();
                        let end = end_of_key(row.deadline);
                        (self.name(key), (head, packed::pack(row), end))
                    });
                    self.write(written, entries, now).await
                }
            };
            is_repeated |= reply.is_repeated;
            if set.is_some() && found.iter().all(Option::is_some) {
                if reply.is_error("ERR") {
                    self.link.has_ifeq.store(false, Ordering::Relaxed);
                    continue;
                }
                if reply.is_error("OOM") {
                    is_full = true;
                    continue;
                }
            }
            match reply.read()? {
                Value::Okay => {
                    self.leave(&keys, later, now).await;
                    let value = Ok(());
                    return Ok(Answer { value, is_repeated });
                }
                Value::Array(others) => {
                    for (found, other) in zip(&mut found, others) {
                        *found = row_of(other)?;
                    }
                }
                _ => {
                    for (key, found) in zip(keys, &mut found) {
                        *found = self.fetch(key).await?;
                    }
                }
            }
        }
        Err(contended())
    }

    /// The change of one row in one command, if the server has one.
    fn set(&self, key: &RowKey, found: Option<&Row>, row: &Row) -> Option<Cmd> {
        if found.is_some() && !self.link.has_ifeq.load(Ordering::Relaxed) {
            return None;
        }
        let mut set = redis::cmd("SET");
        set.arg(self.name(key)).arg(packed::pack(row));
        set.arg("EXAT").arg(end_of_key(row.deadline));
        match found {
            None => set.arg("NX"),
            Some(found) => set.arg("IFEQ").arg(packed::pack(found)),
        };
        Some(set)
    }

    /// Runs [`CHANGE`]; each key is given with its arguments.
    pub(super) async fn write(
        &self,
        rows: impl IntoIterator<Item = (String, (Vec<u8>, Vec<u8>, u64))>,
        entries: Entries,
        now: Timestamp,
    ) -> Reply {
        let (mut keys, rows): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
        let (lists, entries): (Vec<_>, Vec<_>) = entries.into_iter().unzip();
        keys.extend(lists);
        let arguments = (now.as_unix_seconds(), rows.len(), rows, entries);
        let mut reply = self.link.run(&CHANGE, &keys, arguments).await;
        // `ANEW`: `OK` is a `Value::Okay`.
        if let Ok(Value::SimpleString(_)) = &reply.value {
            let text = "an index of sessions was overwritten and begins anew: sessions that were in it may be \
                missing from lists and revocations; give the sessions a key prefix of their own";
            self.outages.report(&StoreError::Corrupt(text.into()), now);
            reply.value = Ok(Value::Okay);
        }
        reply
    }
}

// keys of rows, then of lists; now, the number of rows, and three arguments for each key. For a row: the head of the
// row that was found, or nothing, for which the key must be empty; the new row; the second in which its key ends. For a
// list: CH, XX to prolong an entry only, or OUT; the second in which the entry ends; the entry.
// Removes at most 100 expired entries, so that no call takes long. Removes the entry that expires last if its length
// shows that another program wrote it. The score of another program may be no time, so a list ends at `LAST_SECOND` at
// the latest.
// A full server takes no `SET` as a script's first write, but lets a script go on that has deleted: so the end of a
// session, and any row that is smaller than the one before, is stored there.
// Returns OK, the rows that are stored instead, or ANEW if the key of a list held another type and was dropped.
static CHANGE: Script = Script::new(
    r"
local call, rows, done = redis.call, tonumber(ARGV[2]), 'OK'
for i = 1, rows do
    local head = ARGV[3 * i]
    if call('GETRANGE', KEYS[i], 0, #head - 1) ~= head then return call('MGET', unpack(KEYS, 1, rows)) end
end
for i = rows + 1, #KEYS do
    local list, mode, last, entry = KEYS[i], unpack(ARGV, 3 * i, 3 * i + 2)
    if mode ~= 'OUT' then
        local added = redis.pcall('ZADD', list, mode, 'GT', last, entry)
        if type(added) == 'table' and added.err then
            if not string.find(added.err, 'WRONGTYPE', 1, true) then return added end
            call('DEL', list)
            call('ZADD', list, last, entry)
            done = 'ANEW'
        end
        local ended = call('ZRANGEBYSCORE', list, '-inf', ARGV[1], 'LIMIT', 0, 100)
        if #ended > 0 then redis.pcall('ZREM', list, unpack(ended)) end
        local newest, ends = unpack(call('ZREVRANGE', list, 0, 0, 'WITHSCORES'))
        if newest then call('EXPIREAT', list, string.format('%.0f', math.min(ends, 253402300799))) end
        if newest and #newest ~= #entry then redis.pcall('ZREM', list, newest) end
    end
end
for i = 1, rows do
    local row, last = unpack(ARGV, 3 * i + 1, 3 * i + 2)
    local set = redis.pcall('SET', KEYS[i], row, 'EXAT', last)
    if set.err then
        local is_full = string.find(set.err, 'OOM', 1, true)
        if not is_full or rows > 1 or call('STRLEN', KEYS[i]) <= #row then return set end
        call('DEL', KEYS[i])
        call('SET', KEYS[i], row, 'EXAT', last)
    end
end
for i = rows + 1, #KEYS do
    if ARGV[3 * i] == 'OUT' then redis.pcall('ZREM', KEYS[i], ARGV[3 * i + 2]) end
end
return redis.status_reply(done)
",
);
