//! Sessions in a NATS JetStream bucket: an example of how to write a store.
//!
//! A store keeps one opaque value per session and replaces it only if it has not changed since it was read
//! (compare-and-swap). Nearly every database can do that. In a JetStream bucket, an update names the sequence number of
//! the value that it replaces; number 0 means "no value". The whole contract rests on that one operation,
//! [`write`](NatsStore::write) below:
//!
//! - `insert`, `replace`, `touch` and `remove` read the current value, decide, and replace exactly that value. If
//!   another request was faster, the write fails, and they start again.
//! - Each step is atomic, so a request can be cancelled at any await point. For a client that does not tolerate
//!   cancellation, wrap the store in `starsessions::store::Uninterrupted`.
//! - A bucket cannot change two keys atomically, so the store does not implement `rotate`. The runtime then rotates
//!   with one write per key, in an order that loses no session.
//!
//! The rest of the file finds the sessions of a user (see [`file`](NatsStore::file)) and encodes a row as bytes. The
//! suite in `starsessions::testing::conformance` tests the store.

use std::error::Error;
use std::sync::Arc;

use async_nats::jetstream::kv::UpdateErrorKind;
use async_nats::jetstream::stream::LastRawMessageErrorKind;
use async_nats::jetstream::{Context, kv, stream};
use bytes::Bytes;
use futures_util::TryStreamExt;
use starsessions::Timestamp;
use starsessions::store::{
    IndexKey, Inserted, Listed, Listing, Protection, Replaced, Row, RowKey, Store, StoreError,
    Touch, Touched,
};

/// Keeps sessions in a bucket of NATS JetStream.
#[derive(Clone, Debug)]
pub(crate) struct NatsStore {
    bucket: kv::Store,
}

/// The value under a key: nothing, a row, or an empty value that marks a removed row.
struct Found {
    /// The sequence number that a write must name to replace this value; 0 if there is none.
    sequence: u64,
    value: Bytes,
}

/// Opens the bucket with this name, or creates it. A bucket is a stream and is created as one, since `create_key_value`
/// needs options that servers before 2.10 do not know.
pub(crate) async fn bucket(
    jetstream: &Context,
    name: &str,
) -> Result<kv::Store, Box<dyn Error + Send + Sync>> {
    let stream = stream::Config {
        name: format!("KV_{name}"),
        subjects: vec![format!("$KV.{name}.>")],
        max_messages_per_subject: 1,
        discard: stream::DiscardPolicy::New,
        allow_rollup: true,
        allow_direct: true,
        deny_delete: true,
        ..stream::Config::default()
    };
    jetstream.get_or_create_stream(stream).await?;
    Ok(jetstream.get_key_value(name).await?)
}

impl NatsStore {
    /// Keeps sessions in a bucket with a history of 1 that holds nothing else.
    #[must_use]
    pub(crate) fn new(bucket: kv::Store) -> Self {
        Self { bucket }
    }
}

impl Store for NatsStore {
    /// Others can read the server, its files and its backups, so values are sealed.
    fn protection(&self) -> Protection {
        Protection::Sealed
    }

    async fn load(&self, key: &RowKey, _now: Timestamp) -> Result<Option<Row>, StoreError> {
        self.read(key).await?.row()
    }

    async fn insert(
        &self,
        key: &RowKey,
        row: &Row,
        now: Timestamp,
    ) -> Result<Inserted, StoreError> {
        self.file(key, row.index_keys()).await?;
        let (mut place, mut expired) = (0, None);
        loop {
            if let Some(sequence) = self.write(key, pack(row), place).await? {
                self.unfile(key, expired.as_ref(), row.index_keys(), sequence)
                    .await?;
                return Ok(Inserted::Inserted);
            }
            let found = self.read(key).await?;
            expired = found.row()?;
            if expired.as_ref().is_some_and(|row| row.is_live(now)) {
                return Ok(Inserted::Exists);
            }
            place = found.sequence;
        }
    }

    async fn replace(
        &self,
        key: &RowKey,
        seen: &Row,
        row: &Row,
        now: Timestamp,
    ) -> Result<Replaced, StoreError> {
        // The index keys of the row that was read are filed already.
        if row.index_keys() != seen.index_keys() {
            self.file(key, row.index_keys()).await?;
        }
        loop {
            let found = self.read(key).await?;
            let Some(stored) = found.row()?.filter(|stored| stored.is_live(now)) else {
                return Ok(Replaced::Gone);
            };
            if stored.revision != seen.revision {
                return Ok(Replaced::Stale(stored));
            }
            let value = pack(&row.in_place_of(&stored, seen));
            if let Some(sequence) = self.write(key, value, found.sequence).await? {
                self.unfile(key, Some(&stored), row.index_keys(), sequence)
                    .await?;
                return Ok(Replaced::Replaced);
            }
        }
    }

    async fn touch(
        &self,
        key: &RowKey,
        seen: &Row,
        touch: Touch,
        now: Timestamp,
    ) -> Result<Touched, StoreError> {
        loop {
            let found = self.read(key).await?;
            let stored = found.row()?.filter(|stored| stored.is_live(now));
            let Some(mut row) = stored.filter(|stored| stored.revision == seen.revision) else {
                return Ok(Touched::Stale);
            };
            row.touch(touch);
            if self.write(key, pack(&row), found.sequence).await?.is_some() {
                return Ok(Touched::Touched);
            }
        }
    }

    async fn remove(&self, key: &RowKey) -> Result<Option<Row>, StoreError> {
        loop {
            let found = self.read(key).await?;
            // A value that is not a row is removed as well.
            let row = found.row().ok().flatten();
            if found.value.is_empty() || self.erase(key, &found, row.as_ref()).await? {
                return Ok(row);
            }
        }
    }

    async fn listed(
        &self,
        index_key: &IndexKey,
        now: Timestamp,
    ) -> Result<Vec<Listed>, StoreError> {
        let mut listed = Vec::new();
        for key in self.keys(&format!("{}*", index_prefix(index_key))).await? {
            // A value that is not a row is no session, so it is skipped.
            let row = self.read(&key).await?.row().ok().flatten();
            let row = row.filter(|row| row.is_live(now) && row.index_keys().contains(index_key));
            listed.extend(row.and_then(|row| Listed::new(key, &row)));
        }
        Ok(listed)
    }

    /// Reads every key of the bucket, so once an hour is often enough.
    async fn sweep(&self, limit: usize, now: Timestamp) -> Result<usize, StoreError> {
        let mut freed = 0;
        for key in self.keys("row.*").await? {
            if freed == limit {
                break;
            }
            let found = self.read(&key).await?;
            let Ok(row) = found.row() else { continue };
            if !row.as_ref().is_some_and(|row| row.is_live(now)) {
                self.erase(&key, &found, row.as_ref()).await?;
                freed += 1;
            }
        }
        Ok(freed)
    }
}

/// The bucket.
impl NatsStore {
    /// Reads from the leader of the stream. `kv::Store::get` may read from a replica, which can be behind and still
    /// hold a session that has ended.
    async fn read(&self, key: &RowKey) -> Result<Found, StoreError> {
        let subject = self.subject(&row_name(key));
        let message = self.bucket.stream.get_last_raw_message_by_subject(&subject);
        match message.await {
            Ok(message) => Ok(Found {
                sequence: message.sequence,
                value: message.payload,
            }),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(Found {
                sequence: 0,
                value: Bytes::new(),
            }),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Replaces the value with this sequence number. Returns the new sequence number, or `None` if the value has
    /// changed.
    async fn write(
        &self,
        key: &RowKey,
        value: Bytes,
        place: u64,
    ) -> Result<Option<u64>, StoreError> {
        match self.bucket.update(row_name(key), value, place).await {
            Ok(sequence) => Ok(Some(sequence)),
            Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => Ok(None),
            Err(error) => Err(unavailable(error)),
        }
    }

    /// Removes the value that was found, if it has not changed.
    async fn erase(
        &self,
        key: &RowKey,
        found: &Found,
        row: Option<&Row>,
    ) -> Result<bool, StoreError> {
        let Some(sequence) = self.write(key, Bytes::new(), found.sequence).await? else {
            return Ok(false);
        };
        self.unfile(key, row, &[], sequence).await?;
        // The empty value is no longer needed. The purge keeps a later value.
        self.purge(&row_name(key), sequence + 1).await?;
        Ok(true)
    }

    /// Files a row under its index keys before the row is written: one key `index.<index key>.<row key>` each. An entry
    /// without a row does no harm, because [`Store::listed`] checks the row itself.
    async fn file(&self, key: &RowKey, index_keys: &[IndexKey]) -> Result<(), StoreError> {
        for index_key in index_keys {
            let name = index_name(index_key, key);
            let filed = self.bucket.put(name, Bytes::new()).await;
            filed.map_err(unavailable)?;
        }
        Ok(())
    }

    /// Removes index entries that are obsolete since the write with this sequence number. An entry that another request
    /// has filed since then has a higher sequence number and stays.
    async fn unfile(
        &self,
        key: &RowKey,
        before: Option<&Row>,
        now: &[IndexKey],
        sequence: u64,
    ) -> Result<(), StoreError> {
        for index_key in before.map_or(&[][..], Row::index_keys) {
            if !now.contains(index_key) {
                self.purge(&index_name(index_key, key), sequence).await?;
            }
        }
        Ok(())
    }

    /// Removes all values of a key with a lower sequence number.
    async fn purge(&self, name: &str, sequence: u64) -> Result<(), StoreError> {
        let purge = self.bucket.stream.purge().filter(self.subject(name));
        purge.sequence(sequence).await.map_err(unavailable)?;
        Ok(())
    }

    /// Returns the row keys at the end of all keys that match a pattern.
    async fn keys(&self, pattern: &str) -> Result<Vec<RowKey>, StoreError> {
        let subjects = self.bucket.stream.info_with_subjects(self.subject(pattern));
        let subjects = subjects.await.map_err(unavailable)?;
        let subjects: Vec<_> = subjects.try_collect().await.map_err(unavailable)?;
        let key = |(subject, _): &(String, usize)| row_key(subject.rsplit('.').next()?);
        Ok(subjects.iter().filter_map(key).collect())
    }

    fn subject(&self, name: &str) -> String {
        format!("{}{name}", self.bucket.prefix)
    }
}

impl Found {
    fn row(&self) -> Result<Option<Row>, StoreError> {
        if self.value.is_empty() {
            return Ok(None);
        }
        let row = unpack(&self.value).ok_or_else(|| StoreError::Corrupt("not a row".into()))?;
        Ok(Some(row))
    }
}

/// After such an error (a time-out, for example), the operation may have taken place.
fn unavailable(error: impl Error + Send + Sync + 'static) -> StoreError {
    StoreError::Unavailable(Box::new(error))
}

fn row_name(key: &RowKey) -> String {
    format!("row.{}", hex(key.as_bytes()))
}

fn index_name(index_key: &IndexKey, key: &RowKey) -> String {
    format!("{}{}", index_prefix(index_key), hex(key.as_bytes()))
}

fn index_prefix(index_key: &IndexKey) -> String {
    format!("index.{}.", hex(index_key.as_bytes()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn row_key(hex: &str) -> Option<RowKey> {
    let digits = hex.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<_>> = digits.map(byte).collect();
    Some(RowKey::from_bytes(bytes?.try_into().ok()?))
}

/// Encodes a row: the numbers, then the listing (if any), then the value.
fn pack(row: &Row) -> Bytes {
    let mut bytes = Vec::new();
    let times = [row.deadline, row.last_seen].map(Timestamp::as_unix_seconds);
    for number in [row.revision, times[0], times[1]] {
        bytes.extend(number.to_be_bytes());
    }
    bytes.push(u8::from(row.listing.is_some()));
    if let Some(listing) = &row.listing {
        bytes.extend((listing.index_keys().len() as u32).to_be_bytes());
        for index_key in listing.index_keys() {
            bytes.extend(index_key.as_bytes());
        }
        bytes.extend((listing.card().len() as u32).to_be_bytes());
        bytes.extend(listing.card());
    }
    bytes.extend(&*row.value);
    bytes.into()
}

/// Decodes a row that [`pack`] has encoded; `None` for any other bytes.
fn unpack(mut bytes: &[u8]) -> Option<Row> {
    let revision = u64::from_be_bytes(take(&mut bytes)?);
    let [deadline, last_seen] = [take(&mut bytes)?, take(&mut bytes)?]
        .map(|seconds| Timestamp::from_unix_seconds(u64::from_be_bytes(seconds)));
    let listing = match take(&mut bytes)? {
        [0] => None,
        [1] => {
            let index_keys = (0..u32::from_be_bytes(take(&mut bytes)?))
                .map(|_| take(&mut bytes).map(IndexKey::from_bytes))
                .collect::<Option<Vec<_>>>()?;
            let length = u32::from_be_bytes(take(&mut bytes)?);
            let (card, value) = bytes.split_at_checked(length as usize)?;
            bytes = value;
            Some(Arc::new(Listing::new(index_keys, card)))
        }
        _ => return None,
    };
    let mut row = Row::new(bytes, last_seen, deadline);
    row.revision = revision;
    row.listing = listing;
    Some(row)
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}
