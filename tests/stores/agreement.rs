//! A store gives the same answers as the memory store.

use std::collections::HashMap;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use starsessions::store::{
    IndexKey, Inserted, Listed, Listing, Replaced, Rotated, Rotation, Row, RowKey, Store, Touch,
    Touched,
};
use starsessions::{MemoryStore, Timestamp};

/// Runs the same random operations on both stores, with few keys and times, so that operations conflict.
///
/// # Panics
/// If an answer differs.
pub(crate) async fn run<S: Store>(store: &S) {
    let mut runner = TestRunner::deterministic();
    let steps = vec((operation(), 0..5u64), 40);
    for number in 0..STORIES {
        let steps = steps.new_tree(&mut runner).unwrap().current();
        let (memory, mut story) = (MemoryStore::new(), Story::new(number));
        let mut now = 0;
        for (place, (operation, pause)) in steps.iter().enumerate() {
            now += pause;
            let question = story.question(operation, &memory, at(now)).await;
            let found = question.ask(store, at(now)).await;
            // A store that cannot change two keys atomically must change neither.
            if found != Answer::Rotated(Rotated::Unsupported) {
                let expected = question.ask(&memory, at(now)).await;
                let before = &steps[..place];
                assert_eq!(found, expected, "{question:?} at {now} after {before:#?}");
                story.learn(&question, &found);
            }
        }
    }
}

/// Loads an expired row.
///
/// # Panics
/// If the store does not return the row, which the runtime must distinguish from a row that never existed, or if a load
/// by a clock that is ahead removes the row for other nodes.
pub(crate) async fn tells_what_has_expired<S: Store>(store: &S) {
    let key = RowKey::from_bytes([200; 32]);
    let row = Row::new(*b"value", at(0), at(20));
    let inserted = store.insert(&key, &row, at(0)).await;
    assert_eq!(inserted.unwrap(), Inserted::Inserted);
    assert_eq!(store.load(&key, at(20)).await.unwrap().as_ref(), Some(&row));
    // The clock goes back, or another node has an earlier clock.
    assert_eq!(store.load(&key, at(19)).await.unwrap().as_ref(), Some(&row));
    let mut next = row.clone();
    (next.revision, next.value) = (1, (*b"next").into());
    let replaced = store.replace(&key, &row, &next, at(19)).await;
    assert_eq!(replaced.unwrap(), Replaced::Replaced);
}

/// The next operation, and the session it applies to (one of four).
#[derive(Clone, Debug)]
enum Operation {
    Load(usize),
    Insert(usize, Row),
    Replace(usize, Sight, Row),
    Rotate(usize, usize, Sight, Row, Row),
    Touch(usize, Sight, Touch),
    Remove(usize),
    Listed(u8),
    Sweep(usize),
}

/// The row that the caller has seen.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Sight {
    /// The latest row, perhaps without a later touch.
    Last,
    /// A row that was never stored.
    Other,
}

/// A call of a store.
#[derive(Debug)]
enum Question {
    Load(RowKey),
    Insert(RowKey, Row),
    Replace(RowKey, Row, Row),
    Rotate([RowKey; 2], [Row; 3]),
    Touch(RowKey, Row, Touch),
    Remove(RowKey),
    Listed(IndexKey),
    Sweep(usize),
}

#[derive(Debug, PartialEq)]
enum Answer {
    Row(Option<Row>),
    Inserted(Inserted),
    Replaced(Replaced),
    Rotated(Rotated),
    Touched(Touched),
    Listed(Vec<Listed>),
    Swept,
}

/// The sessions, as callers know them.
struct Story {
    number: u8,
    /// The key of each session.
    keys: [u8; 4],
    next_key: u8,
    revision: u64,
    seen: HashMap<RowKey, Row>,
}

impl Story {
    fn new(number: u8) -> Self {
        Self {
            number,
            keys: [0, 1, 2, 3],
            next_key: 4,
            revision: 0,
            seen: HashMap::new(),
        }
    }

    async fn question(
        &mut self,
        operation: &Operation,
        memory: &MemoryStore,
        now: Timestamp,
    ) -> Question {
        match operation {
            Operation::Load(session) => Question::Load(self.key(*session)),
            Operation::Insert(session, row) => {
                Question::Insert(self.key(*session), self.unique(row))
            }
            Operation::Replace(session, sight, row) => {
                let key = self.key(*session);
                Question::Replace(key, self.seen(key, *sight), self.unique(row))
            }
            Operation::Rotate(session, other, sight, left, row) => {
                let old = self.key(*session);
                let mut seen = self.seen(old, *sight);
                // A rotation may keep or drop a touch in between, so the test uses the row without one.
                let there = memory.load(&old, now).await.unwrap();
                if let Some(there) = there.filter(|it| it.revision == seen.revision) {
                    seen = there;
                }
                let later = |mut row: Row| {
                    row.last_seen = row.last_seen.max(seen.last_seen);
                    row
                };
                let (left, row) = (later(self.unique(left)), later(self.unique(row)));
                // Rotates to a key in use or to a new key. Keys are not reused.
                let there = memory.load(&self.key(*other), now).await.unwrap();
                if other == session || !there.is_some_and(|row| row.is_live(now)) {
                    self.keys[*other] = self.next_key;
                    self.next_key += 1;
                }
                Question::Rotate([old, self.key(*other)], [seen, left, row])
            }
            Operation::Touch(session, sight, touch) => {
                let key = self.key(*session);
                Question::Touch(key, self.seen(key, *sight), *touch)
            }
            Operation::Remove(session) => Question::Remove(self.key(*session)),
            Operation::Listed(number) => Question::Listed(self.index_key(*number)),
            Operation::Sweep(limit) => Question::Sweep(*limit),
        }
    }

    fn learn(&mut self, question: &Question, answer: &Answer) {
        match (question, answer) {
            (Question::Load(key), Answer::Row(Some(row)))
            | (Question::Insert(key, row), Answer::Inserted(Inserted::Inserted))
            | (Question::Replace(key, _, row), Answer::Replaced(Replaced::Replaced))
            | (Question::Replace(key, ..), Answer::Replaced(Replaced::Stale(row)))
            | (Question::Rotate([key, _], _), Answer::Rotated(Rotated::Stale(row))) => {
                self.seen.insert(*key, row.clone());
            }
            (Question::Rotate([old, new], [_, left, row]), Answer::Rotated(Rotated::Rotated)) => {
                self.seen.insert(*old, left.clone());
                self.seen.insert(*new, row.clone());
            }
            _ => {}
        }
    }

    fn key(&self, session: usize) -> RowKey {
        let mut bytes = [self.number; RowKey::LEN];
        bytes[31] = self.keys[session];
        RowKey::from_bytes(bytes)
    }

    fn index_key(&self, number: u8) -> IndexKey {
        let mut bytes = [self.number; IndexKey::LEN];
        bytes[0] = number;
        IndexKey::from_bytes(bytes)
    }

    fn seen(&self, key: RowKey, sight: Sight) -> Row {
        match self.seen.get(&key) {
            Some(row) if sight == Sight::Last => row.clone(),
            _ => Row::new(*b"never there", at(0), at(50)),
        }
    }

    /// A copy of the row with a new revision, listed under keys of this story.
    fn unique(&mut self, row: &Row) -> Row {
        self.revision += 1;
        let mut row = row.clone();
        // The first revision is 2, because 1 belongs to the row that was never stored.
        row.revision = self.revision + 1;
        row.listing = row.listing.map(|listing| {
            let numbers = listing.index_keys().iter().map(|key| key.as_bytes()[0]);
            let index_keys = numbers.map(|number| self.index_key(number)).collect();
            Arc::new(Listing::new(index_keys, listing.card()))
        });
        row
    }
}

impl Question {
    async fn ask<S: Store>(&self, store: &S, now: Timestamp) -> Answer {
        // Expired rows may have been freed.
        let live = |found: Option<Row>| found.filter(|row| row.is_live(now));
        match self {
            Self::Load(key) => Answer::Row(live(store.load(key, now).await.unwrap())),
            Self::Insert(key, row) => Answer::Inserted(store.insert(key, row, now).await.unwrap()),
            Self::Replace(key, seen, row) => {
                Answer::Replaced(store.replace(key, seen, row, now).await.unwrap())
            }
            Self::Rotate([old, new], [seen, left, row]) => {
                let rotation = Rotation::new(old, seen, left, new, row);
                Answer::Rotated(store.rotate(rotation, now).await.unwrap())
            }
            Self::Touch(key, seen, touch) => {
                Answer::Touched(store.touch(key, seen, *touch, now).await.unwrap())
            }
            Self::Remove(key) => Answer::Row(live(store.remove(key).await.unwrap())),
            Self::Listed(index_key) => {
                let mut found = store.listed(index_key, now).await.unwrap();
                found.sort_by_key(|listed| listed.key);
                Answer::Listed(found)
            }
            // The number of rows to sweep differs between stores.
            Self::Sweep(limit) => {
                store.sweep(*limit, now).await.unwrap();
                Answer::Swept
            }
        }
    }
}

fn operation() -> impl Strategy<Value = Operation> {
    let session = || 0..4usize;
    prop_oneof![
        2 => session().prop_map(Operation::Load),
        3 => (session(), row()).prop_map(|(it, row)| Operation::Insert(it, row)),
        6 => (session(), sight(), row()).prop_map(|(it, seen, row)| Operation::Replace(it, seen, row)),
        2 => (session(), session(), sight(), row(), row())
            .prop_map(|(it, to, seen, left, row)| Operation::Rotate(it, to, seen, left, row)),
        3 => (session(), sight(), touch()).prop_map(|(it, seen, touch)| Operation::Touch(it, seen, touch)),
        1 => session().prop_map(Operation::Remove),
        2 => (0..3u8).prop_map(Operation::Listed),
        1 => (1..4usize).prop_map(Operation::Sweep),
    ]
}

fn sight() -> impl Strategy<Value = Sight> {
    prop_oneof![5 => Just(Sight::Last), 1 => Just(Sight::Other)]
}

fn row() -> impl Strategy<Value = Row> {
    let value = || vec(any::<u8>(), 0..6);
    let listing = proptest::option::of((vec(0..3u8, 0..3), value()));
    (value(), time(), time(), listing).prop_map(|(value, last_seen, deadline, listing)| {
        let mut row = Row::new(value, last_seen, deadline);
        row.listing = listing.map(|(numbers, card)| {
            let index_key = |number| IndexKey::from_bytes([number; IndexKey::LEN]);
            Arc::new(Listing::new(
                numbers.into_iter().map(index_key).collect(),
                card,
            ))
        });
        row
    })
}

fn touch() -> impl Strategy<Value = Touch> {
    (time(), time()).prop_map(|(last_seen, deadline)| Touch::new(last_seen, deadline))
}

fn time() -> impl Strategy<Value = Timestamp> {
    (0..150u64).prop_map(at)
}

/// A time later than the clock of any server.
fn at(second: u64) -> Timestamp {
    Timestamp::from_unix_seconds(4_102_444_800 + second)
}

const STORIES: u8 = 12;
