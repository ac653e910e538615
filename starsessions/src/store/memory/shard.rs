//! The sessions of one shard, and the two queues that bound them.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Duration;

use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::record::{Commit, Forward, Record, Rotation, Touch};
use crate::store::{Committed, Created, Loaded, Rotated, StoreError, Touched};

/// What is under a key.
enum Row {
    Live(Record),
    Moved(Forward),
}

pub(super) struct Shard {
    rows: HashMap<RowKey, Row, BuildHasherDefault<KeyHasher>>,
    anonymous: usize,
    /// Renewed ids in their grace: neither kind of session.
    moved: usize,
    anonymous_limit: usize,
    identified_limit: usize,
    /// Anonymous sessions, the ones to give up first at the front, with the time they were queued.
    /// Keys of sessions that ended or signed in meanwhile stay until they are met.
    queue: VecDeque<(RowKey, Timestamp)>,
    /// Keys by the slot of time in which they were to expire when they were put here. A session
    /// that was extended is put back when its slot is due, so that a touch costs nothing here.
    calendar: BTreeMap<u64, Slot>,
    /// How many keys the calendar has, those of sessions included that have ended early.
    scheduled: usize,
    /// The sessions that hold a field with an index key: exactly those in `rows`.
    index: HashMap<IndexKey, Vec<RowKey>>,
}

impl Shard {
    pub(super) fn new(anonymous_limit: usize, identified_limit: usize) -> Self {
        Self {
            rows: HashMap::default(),
            anonymous: 0,
            moved: 0,
            anonymous_limit,
            identified_limit,
            queue: VecDeque::new(),
            calendar: BTreeMap::new(),
            scheduled: 0,
            index: HashMap::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn load(&self, key: &RowKey, now: Timestamp) -> Option<Loaded> {
        let found = match self.rows.get(key)? {
            Row::Live(record) => Loaded::Live(record.clone()),
            Row::Moved(forward) => Loaded::Moved(forward.clone()),
        };
        found.at(now)
    }

    fn live(&self, key: &RowKey, now: Timestamp) -> Option<&Row> {
        self.rows.get(key).filter(|row| is_live(row, now))
    }

    /// Whether there is a session of this kind.
    pub(super) fn holds(&self, key: &RowKey, identified: bool) -> bool {
        matches!(self.rows.get(key), Some(Row::Live(record)) if record.identified == identified)
    }

    /// Inserts a record where there is none. One that takes the place of a session of its kind
    /// (`replaces`) is within the limit already.
    pub(super) fn insert(
        &mut self,
        key: &RowKey,
        record: Record,
        replaces: bool,
        now: Timestamp,
    ) -> Result<Created, StoreError> {
        self.free_expired(FREED_PER_WRITE, now);
        if self.live(key, now).is_some() {
            return Ok(Created::Exists);
        }
        self.delete(key);
        if record.identified {
            if !replaces {
                self.check_identified_limit()?;
            }
        } else {
            if !replaces {
                self.make_room(now);
            }
            self.anonymous += 1;
            self.queue.push_back((*key, now));
            self.trim_queue();
        }
        self.schedule(*key, record.expires_at);
        add_to_index(&mut self.index, key, &record);
        self.rows.insert(*key, Row::Live(record));
        Ok(Created::Applied)
    }

    pub(super) fn commit(
        &mut self,
        key: &RowKey,
        commit: &Commit,
        now: Timestamp,
    ) -> Result<Committed, StoreError> {
        self.free_expired(FREED_PER_WRITE, now);
        let is_full = self.check_identified_limit().is_err();
        let record = match self.rows.get_mut(key) {
            Some(row) if !is_live(row, now) => return Ok(Committed::Gone),
            Some(Row::Live(record)) => record,
            Some(Row::Moved(forward)) => return Ok(Committed::Moved(forward.clone())),
            None => return Ok(Committed::Gone),
        };
        if !commit.is_allowed_by(record) {
            return Ok(Committed::Conflict(record.clone()));
        }
        if commit.identified && !record.identified {
            if is_full {
                return Err(StoreError::Full);
            }
            self.anonymous -= 1;
        }
        remove_from_index(&mut self.index, key, record);
        commit.apply(record);
        add_to_index(&mut self.index, key, record);
        Ok(Committed::Applied(record.revision))
    }

    pub(super) fn touch(&mut self, key: &RowKey, touch: &Touch, now: Timestamp) -> Touched {
        match self.rows.get_mut(key) {
            Some(Row::Live(record)) if !record.is_expired(now) => {
                touch.apply(record);
                Touched::Applied
            }
            _ => Touched::Gone,
        }
    }

    /// Ends the record that a rotation leaves, if it still is what the rotation expects.
    pub(super) fn retire(&mut self, key: &RowKey, rotation: &Rotation, now: Timestamp) -> Rotated {
        match self.live(key, now) {
            Some(Row::Moved(forward)) => return Rotated::Moved(forward.clone()),
            Some(Row::Live(record)) => {
                if rotation.expected.is_some_and(|it| it != record.revision) {
                    return Rotated::Conflict(record.clone());
                }
            }
            None => return Rotated::Gone,
        }
        self.delete(key);
        if let Some(forward) = &rotation.forward {
            self.schedule(*key, forward.until);
            self.rows.insert(*key, Row::Moved(forward.clone()));
            self.moved += 1;
        }
        Rotated::Applied
    }

    pub(super) fn delete(&mut self, key: &RowKey) -> Option<Forward> {
        match self.rows.remove(key)? {
            Row::Moved(forward) => {
                self.moved -= 1;
                Some(forward)
            }
            Row::Live(record) => {
                remove_from_index(&mut self.index, key, &record);
                self.anonymous -= usize::from(!record.identified);
                None
            }
        }
    }

    pub(super) fn sessions_of(&self, index: &IndexKey, now: Timestamp) -> Vec<(RowKey, Record)> {
        let keys = self.index.get(index).into_iter().flatten();
        keys.filter_map(|key| match self.live(key, now)? {
            Row::Live(record) => Some((*key, record)),
            Row::Moved(_) => None,
        })
        .filter(|(_, record)| record.is_filed_under(index, now))
        .map(|(key, record)| (key, record.clone()))
        .collect()
    }

    /// Looks at up to `limit` keys whose time has come and frees those that have expired.
    pub(super) fn free_expired(&mut self, limit: usize, now: Timestamp) -> usize {
        let mut looked_at = 0;
        while looked_at < limit {
            let Some(mut slot) = self.calendar.first_entry() else {
                break;
            };
            if *slot.key() > slot_of(now) {
                break;
            }
            let Some(key) = slot.get_mut().pop() else {
                slot.remove();
                continue;
            };
            looked_at += 1;
            self.scheduled -= 1;
            match self.rows.get(&key) {
                Some(row) if is_live(row, now) => {
                    let deadline = deadline(row);
                    // Within the slot that is due already: look again in the next one.
                    let next = now + Duration::from_secs(SLOT_SECONDS);
                    self.schedule(key, deadline.max(next));
                }
                Some(_) => {
                    self.delete(&key);
                }
                None => {}
            }
        }
        looked_at
    }

    fn schedule(&mut self, key: RowKey, deadline: Timestamp) {
        // Whoever begins and ends sessions without end must not fill the calendar with their keys.
        if self.scheduled > 2 * self.rows.len() + SPARE_KEYS {
            self.rewrite_calendar();
        }
        self.scheduled += 1;
        self.calendar
            .entry(slot_of(deadline))
            .or_default()
            .push(key);
    }

    /// The calendar of the sessions that are there: as much work as there were ends since the last
    /// time.
    fn rewrite_calendar(&mut self) {
        self.calendar.clear();
        self.scheduled = self.rows.len();
        for (key, row) in &self.rows {
            let slot = slot_of(deadline(row));
            self.calendar.entry(slot).or_default().push(*key);
        }
    }

    fn check_identified_limit(&self) -> Result<(), StoreError> {
        if self.rows.len() - self.anonymous - self.moved >= self.identified_limit {
            return Err(StoreError::Full);
        }
        Ok(())
    }

    /// Gives up anonymous sessions until a new one fits.
    fn make_room(&mut self, now: Timestamp) {
        let mut second_chances = SECOND_CHANCES;
        while self.anonymous >= self.anonymous_limit {
            let Some((key, queued_at)) = self.queue.pop_front() else {
                return;
            };
            let Some(Row::Live(record)) = self.rows.get(&key) else {
                continue;
            };
            if record.identified {
                continue;
            }
            // In use since it was queued: to the back, so that a flood meets its own sessions first.
            if record.last_seen_at > queued_at && second_chances > 0 {
                second_chances -= 1;
                self.queue.push_back((key, now));
                continue;
            }
            self.delete(&key);
        }
    }

    /// Drops the keys of sessions that are no longer there, when there are too many of them.
    fn trim_queue(&mut self) {
        if self.queue.len() > 2 * self.anonymous_limit {
            let rows = &self.rows;
            self.queue.retain(
                |(key, _)| matches!(rows.get(key), Some(Row::Live(record)) if !record.identified),
            );
        }
    }
}

/// The keys of one slot of the calendar, in blocks: what is freed at once is small, however many
/// sessions expire in the same moment. Allocators take their time over what is large.
#[derive(Default)]
struct Slot(Vec<Vec<RowKey>>);

impl Slot {
    fn push(&mut self, key: RowKey) {
        match self.0.last_mut() {
            Some(block) if block.len() < block.capacity() => block.push(key),
            last => {
                // The first block of a quiet time is small.
                let room = last.map_or(FIRST_BLOCK, |_| BLOCK);
                let mut block = Vec::with_capacity(room);
                block.push(key);
                self.0.push(block);
            }
        }
    }

    fn pop(&mut self) -> Option<RowKey> {
        let block = self.0.last_mut()?;
        let key = block.pop();
        if block.is_empty() {
            self.0.pop();
        }
        key
    }
}

fn add_to_index(index: &mut HashMap<IndexKey, Vec<RowKey>>, key: &RowKey, record: &Record) {
    for index_key in record.index_keys() {
        let sessions = index.entry(index_key.clone()).or_default();
        if !sessions.contains(key) {
            sessions.push(*key);
        }
    }
}

fn remove_from_index(index: &mut HashMap<IndexKey, Vec<RowKey>>, key: &RowKey, record: &Record) {
    for index_key in record.index_keys() {
        if let Some(sessions) = index.get_mut(index_key) {
            sessions.retain(|session| session != key);
            if sessions.is_empty() {
                index.remove(index_key);
            }
        }
    }
}

fn is_live(row: &Row, now: Timestamp) -> bool {
    now < deadline(row)
}

fn deadline(row: &Row) -> Timestamp {
    match row {
        Row::Live(record) => record.expires_at,
        Row::Moved(forward) => forward.until,
    }
}

fn slot_of(time: Timestamp) -> u64 {
    time.as_unix_seconds() / SLOT_SECONDS
}

/// Row keys are outputs of HKDF: already uniform, and not for an attacker to choose.
#[derive(Default)]
pub(super) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(tail) = bytes.last_chunk() {
            self.0 = u64::from_le_bytes(*tail);
        }
    }

    /// The length in front of the bytes says nothing.
    fn write_usize(&mut self, _length: usize) {}
}

const SLOT_SECONDS: u64 = 16;
const FIRST_BLOCK: usize = 4;
const BLOCK: usize = 64;
/// Two writes free more than they can add, and none takes long.
const FREED_PER_WRITE: usize = 4;
const SECOND_CHANCES: usize = 8;
const SPARE_KEYS: usize = 64;

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::record::Field;

    fn at(second: u64) -> Timestamp {
        Timestamp::from_unix_seconds(1_000_000 + second)
    }

    fn key(number: u64) -> RowKey {
        let mut bytes = [0; 32];
        bytes[24..].copy_from_slice(&number.to_le_bytes());
        RowKey::from_bytes(bytes)
    }

    fn record(identified: bool) -> Record {
        let mut record = Record::new(at(0), at(1_000_000));
        record.identified = identified;
        let mut field = Field::new(Bytes::new(), 1);
        field.index = identified.then(|| IndexKey::from_bytes([7; 32]));
        record.fields.insert("login.user".into(), field);
        record
    }

    fn keys_held(shard: &Shard) -> usize {
        let slots = shard.calendar.values().flat_map(|slot| &slot.0);
        let calendar: usize = slots.map(Vec::len).sum();
        assert_eq!(calendar, shard.scheduled);
        let index: usize = shard.index.values().map(Vec::len).sum();
        calendar + shard.queue.len() + index
    }

    /// Sessions that end long before they would expire leave nothing behind.
    #[test]
    fn sessions_that_begin_and_end_do_not_add_up() {
        for identified in [false, true] {
            let mut shard = Shard::new(100, 100);
            for number in 0..10_000 {
                let (key, record) = (key(number), record(identified));
                shard.insert(&key, record, false, at(0)).unwrap();
                shard.delete(&key);
            }
            assert_eq!(shard.len(), 0);
            let held = keys_held(&shard);
            assert!(held <= 300, "{held} keys of sessions that have ended");
        }
    }

    /// New ids without end leave nothing behind either.
    #[test]
    fn sessions_that_are_given_new_ids_do_not_add_up() {
        let mut shard = Shard::new(100, 100);
        shard.insert(&key(0), record(false), false, at(0)).unwrap();
        for number in 1..10_000 {
            let rotation = Rotation::new(record(false), None);
            let (old, new) = (key(number - 1), key(number));
            shard.insert(&new, record(false), true, at(0)).unwrap();
            assert_eq!(shard.retire(&old, &rotation, at(0)), Rotated::Applied);
        }
        assert_eq!((shard.len(), shard.anonymous), (1, 1));
        let held = keys_held(&shard);
        assert!(held <= 300, "{held} keys of ids that have ended");
    }

    /// A flood of visitors stays under the limit with all that belongs to them.
    #[test]
    fn a_flood_of_visitors_is_flat() {
        let mut shard = Shard::new(100, 100);
        for number in 0..10_000 {
            let outcome = shard.insert(&key(number), record(false), false, at(0));
            assert_eq!(outcome.unwrap(), Created::Applied);
        }
        assert_eq!(shard.len(), 100);
        let held = keys_held(&shard);
        assert!(held <= 500, "{held} keys for 100 sessions");
    }

    #[test]
    fn every_session_is_freed_in_its_time_after_the_calendar_was_rewritten() {
        let mut shard = Shard::new(1_000, 1_000);
        for number in 0..500 {
            let mut record = record(false);
            record.expires_at = at(100 + number);
            shard.insert(&key(number), record, false, at(0)).unwrap();
        }
        shard.rewrite_calendar();
        shard.free_expired(usize::MAX, at(100 + 250 + SLOT_SECONDS));
        assert!(shard.len() <= 250, "{} are left", shard.len());
        shard.free_expired(usize::MAX, at(700));
        assert_eq!(
            (shard.len(), keys_held(&shard)),
            (0, 500),
            "only the queue is left"
        );
    }
}
