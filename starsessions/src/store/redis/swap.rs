//! Rows take the places of exactly those that were found: what every write comes to.

use std::iter::zip;
use std::sync::atomic::Ordering;

use redis::{Cmd, Value};

use super::failure::{REFUSED, contended, malformed};
use super::index::left_behind;
use super::link::Script;
use super::packed;
use super::rows::{MAX_ATTEMPTS, Rows, encoded, end_of_key, row_of};
use crate::clock::Timestamp;
use crate::crypto::RowKey;
use crate::store::again::Answer;
use crate::store::{Result, Row};

/// What was there, if nothing was written.
type Change<const N: usize> = Answer<Result<(), [Option<Row>; N]>>;

impl Rows {
    /// Puts what is `next` to the rows that were found in their places, all or none; if others have come
    /// there, looks at those. Writes nothing where nothing is next.
    ///
    /// Rows are filed before they are written, and again if the connection was replaced meanwhile: it may lead
    /// to another server, which has taken over without the newest second.
    pub(super) async fn change<const N: usize>(
        &self,
        keys: [&RowKey; N],
        mut found: [Option<Row>; N],
        next: impl Fn(&[Option<Row>; N]) -> Option<[Row; N]>,
        now: Timestamp,
    ) -> Result<Change<N>> {
        let mut is_repeated = false;
        for _ in 0..MAX_ATTEMPTS {
            let Some(rows) = next(&found) else {
                let value = Err(found);
                return Ok(Answer { value, is_repeated });
            };
            let connections = self.link.connections().await;
            let mut is_filed = false;
            for (key, (found, row)) in zip(keys, zip(&found, &rows)) {
                is_filed |= self.file(key, found.as_ref(), row, now).await?;
            }
            let swap = self.swap(keys, &found, &rows).await?;
            is_repeated |= swap.is_repeated;
            if let Some(others) = swap.value {
                zip(&mut found, others).for_each(|(found, other)| *found = other);
                continue;
            }
            if is_filed && self.link.connections().await != connections {
                for (key, row) in zip(keys, &rows) {
                    self.file(key, None, row, now).await?;
                }
            }
            let value = Ok(());
            return Ok(Answer { value, is_repeated });
        }
        Err(contended())
    }

    /// Returns what is there, if it is not what was found.
    async fn swap<const N: usize>(
        &self,
        keys: [&RowKey; N],
        found: &[Option<Row>; N],
        rows: &[Row; N],
    ) -> Result<Answer<Option<Vec<Option<Row>>>>> {
        let mut was_repeated = false;
        if let ([key], [found], [row]) = (&keys[..], &found[..], &rows[..])
            && (found.is_none() || self.link.has_ifeq.load(Ordering::Relaxed))
        {
            let answer = self.link.send(&self.set(key, found.as_ref(), row)).await;
            let is_repeated = answer.is_repeated;
            if !answer.is_error(REFUSED) {
                let value = match answer.read()? {
                    Value::Okay => None,
                    _ => Some(vec![self.fetch(key).await?]),
                };
                return Ok(Answer { value, is_repeated });
            }
            self.link.has_ifeq.store(false, Ordering::Relaxed);
            was_repeated = is_repeated;
        }
        let mut names: Vec<_> = keys.iter().map(|key| self.name(key)).collect();
        let (mut written, mut entries) = (Vec::with_capacity(N), Vec::new());
        for (key, (found, row)) in zip(keys, zip(found, rows)) {
            let head = found.as_ref().map(packed::head).unwrap_or_default();
            written.push((head, packed::pack(row), end_of_key(row.deadline)));
            // In a Cluster, its lists are elsewhere.
            if let Some(found) = found
                && !self.link.is_cluster()
            {
                for index_key in left_behind(found, row) {
                    names.push(self.index_name(index_key));
                    entries.push(encoded(key.as_bytes()));
                }
            }
        }
        let answer = self.link.run(&SWAP, &names, (written, entries)).await;
        let is_repeated = answer.is_repeated || was_repeated;
        let value = match answer.read()? {
            Value::Okay => None,
            Value::Array(others) => Some(others.into_iter().map(row_of).collect::<Result<_>>()?),
            _ => return Err(malformed()),
        };
        Ok(Answer { value, is_repeated })
    }

    /// A swap in one command, for one row.
    fn set(&self, key: &RowKey, found: Option<&Row>, row: &Row) -> Cmd {
        let mut set = redis::cmd("SET");
        set.arg(self.name(key)).arg(packed::pack(row));
        set.arg("EXAT").arg(end_of_key(row.deadline));
        match found {
            None => set.arg("NX"),
            Some(found) => set.arg("IFEQ").arg(packed::pack(found)),
        };
        set
    }
}

// keys of rows, indexes that they leave; for each row the head of what was found, or nothing: then all of it is
// compared; the row, and the second in which its key ends; for each index the entry to be taken out.
// A session that moves is written under its new key first. Returns OK, or what is there instead.
static SWAP: Script = Script::new(
    r"
local call, rows = redis.call, (#ARGV - #KEYS) / 2
for i = 1, rows do
    local head = ARGV[3 * i - 2]
    if call('GETRANGE', KEYS[i], 0, #head - 1) ~= head then return call('MGET', unpack(KEYS, 1, rows)) end
end
for i = rows, 1, -1 do call('SET', KEYS[i], ARGV[3 * i - 1], 'EXAT', ARGV[3 * i]) end
for i = rows + 1, #KEYS do redis.pcall('ZREM', KEYS[i], ARGV[2 * rows + i]) end
return redis.status_reply('OK')
",
);
