//! A store gives the same answers as the memory store, whatever it is asked.

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use starsessions::store::{
    Commit, Created, Field, FieldName, FieldWrite, Fields, Forward, IndexKey, Loaded, Record,
    Rotated, Rotation, RowKey, Store, Touch,
};
use starsessions::{MemoryStore, Timestamp};

/// Asks both for the same at random: few keys and names, so that operations meet.
///
/// # Panics
/// If an answer differs.
pub(crate) async fn run<S: Store>(store: &S) {
    let mut runner = TestRunner::deterministic();
    let story = vec((operation(), 0..5u64), 40);
    for number in 0..STORIES {
        let story = story.new_tree(&mut runner).unwrap().current();
        let memory = MemoryStore::new();
        let mut now = 0;
        for (place, (operation, pause)) in story.iter().enumerate() {
            now += pause;
            let expected = ask(&memory, operation, number, now).await;
            let found = ask(store, operation, number, now).await;
            let before = &story[..place];
            assert_eq!(found, expected, "{operation:?} at {now} after {before:#?}");
        }
    }
}

/// Asks for a session whose time is over, and for one that has moved.
///
/// # Panics
/// If the store does not say that the one has expired, or says it of the other.
pub(crate) async fn tells_what_has_expired<S: Store>(store: &S) {
    let (old, new) = (RowKey::from_bytes([200; 32]), RowKey::from_bytes([201; 32]));
    let mut record = Record::new(at(0), at(20));
    let field = Field::new(Bytes::from_static(b"1"), 1);
    record.fields.insert("a.x".into(), field);
    let created = store.create(&old, &record, at(0)).await;
    assert_eq!(created.unwrap(), Created::Applied);
    let mut rotation = Rotation::new(record.clone(), Some(1));
    rotation.forward = Some(Forward::new(Bytes::from_static(b"new"), at(10)));
    let rotated = store.rotate(&old, &new, &rotation, at(1)).await;
    assert_eq!(rotated.unwrap(), Rotated::Applied);
    assert_eq!(store.load(&old, at(10)).await.unwrap(), None);
    record.fields = Fields::default();
    let found = store.load(&new, at(20)).await.unwrap();
    assert_eq!(found, Some(Loaded::Expired(record)));
}

#[derive(Clone, Debug)]
enum Operation {
    Load(u8),
    Create(u8, Record),
    Commit(u8, Commit),
    Rotate(u8, u8, Rotation),
    Touch(u8, Touch),
    Delete(u8),
    SessionsOf(u8),
    Sweep(usize),
}

/// Everything that can be told from the answer.
async fn ask<S: Store>(store: &S, operation: &Operation, story: u8, now: u64) -> String {
    let (now, key) = (at(now), |key: u8| {
        RowKey::from_bytes([[story; 16], [key; 16]].concat().try_into().unwrap())
    });
    match operation {
        Operation::Load(it) => {
            let found = store.load(&key(*it), now).await.unwrap();
            // What has expired may have been swept.
            let found = found.filter(|it| !matches!(it, Loaded::Expired(_)));
            format!("{found:?}")
        }
        Operation::Create(it, record) => {
            format!("{:?}", store.create(&key(*it), record, now).await)
        }
        Operation::Commit(it, commit) => {
            format!("{:?}", store.commit(&key(*it), commit, now).await)
        }
        Operation::Rotate(old, new, rotation) => {
            format!(
                "{:?}",
                store.rotate(&key(*old), &key(*new), rotation, now).await
            )
        }
        Operation::Touch(it, touch) => format!("{:?}", store.touch(&key(*it), touch, now).await),
        Operation::Delete(it) => format!("{:?}", store.delete(&key(*it), now).await),
        Operation::SessionsOf(it) => {
            let mut found = store.sessions_of(&index(*it), now).await.unwrap();
            // Of this story, and not of those before it.
            found.retain(|(key, _)| key.as_bytes()[0] == story);
            found.sort_by_key(|(key, _)| *key);
            format!("{found:?}")
        }
        // How much there is to sweep is a store's own affair.
        Operation::Sweep(limit) => format!("{:?}", store.sweep(*limit, now).await.map(drop)),
    }
}

fn operation() -> impl Strategy<Value = Operation> {
    let key = || 0..4u8;
    prop_oneof![
        2 => key().prop_map(Operation::Load),
        3 => (key(), record()).prop_map(|(key, record)| Operation::Create(key, record)),
        6 => (key(), commit()).prop_map(|(key, commit)| Operation::Commit(key, commit)),
        // To a key of its own: nobody rotates onto itself.
        2 => (key(), key(), rotation()).prop_map(|(old, new, it)| Operation::Rotate(old, new + u8::from(new == old) * 4, it)),
        2 => (key(), touch()).prop_map(|(key, touch)| Operation::Touch(key, touch)),
        1 => key().prop_map(Operation::Delete),
        2 => (0..3u8).prop_map(Operation::SessionsOf),
        1 => (0..4usize).prop_map(Operation::Sweep),
    ]
}

fn record() -> impl Strategy<Value = Record> {
    let timers = (time(), time(), time(), time());
    let fields = vec((name(), write(), 1..4u64), 0..4);
    (timers, 1..4u64, any::<(bool, bool)>(), fields).prop_map(
        |(timers, revision, (remembered, identified), fields)| {
            let mut record = Record::new(timers.0, timers.1);
            record.issued_at = timers.2;
            record.last_seen_at = timers.3;
            record.revision = revision;
            record.remembered = remembered;
            record.identified = identified;
            let fields = fields.into_iter().map(|(name, write, revision)| {
                let mut field = Field::new(write.value, revision);
                field.expires_at = write.expires_at;
                field.idle_at = write.idle_at;
                field.index = write.index;
                (name, field)
            });
            record.fields = fields.collect();
            record
        },
    )
}

fn commit() -> impl Strategy<Value = Commit> {
    let set = vec((name(), write()), 0..3);
    let remove = vec(name(), 0..2);
    let guards = vec((name(), 0..4u64), 0..2);
    (
        set,
        remove,
        guards,
        touch(),
        any::<Option<bool>>(),
        any::<bool>(),
    )
        .prop_map(|(set, remove, guards, touch, remembered, identified)| {
            let mut commit = Commit::new(touch);
            commit.set = set;
            commit.remove = remove;
            commit.guards = guards;
            commit.remembered = remembered;
            commit.identified = identified;
            commit
        })
}

fn rotation() -> impl Strategy<Value = Rotation> {
    let forward = proptest::option::of((value(), time()));
    let expected = proptest::option::of(1..4u64);
    (record(), expected, forward).prop_map(|(record, expected, forward)| {
        let mut rotation = Rotation::new(record, expected);
        rotation.forward = forward.map(|(to, until)| Forward::new(to, until));
        rotation
    })
}

fn touch() -> impl Strategy<Value = Touch> {
    (time(), time(), vec((name(), time()), 0..3)).prop_map(|(last_seen_at, expires_at, idle)| {
        let mut touch = Touch::new(last_seen_at, expires_at);
        touch.idle = idle;
        touch
    })
}

fn write() -> impl Strategy<Value = FieldWrite> {
    let deadline = || proptest::option::of(time());
    let index = proptest::option::of((0..3u8).prop_map(index));
    (value(), deadline(), deadline(), index).prop_map(|(value, expires_at, idle_at, index)| {
        let mut write = FieldWrite::new(value);
        write.expires_at = expires_at;
        write.idle_at = idle_at;
        write.index = index;
        write
    })
}

/// Names that a careless store would mix up or stumble over.
fn name() -> impl Strategy<Value = FieldName> {
    select(vec![
        "a.x",
        "a.X",
        "a.x ",
        "a",
        "\"\\'`$.*[0]",
        "ü.\u{301}\0%_",
    ])
    .prop_map(FieldName::from)
}

fn value() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..6).prop_map(Bytes::from)
}

fn time() -> impl Strategy<Value = Timestamp> {
    (0..150u64).prop_map(at)
}

fn index(number: u8) -> IndexKey {
    IndexKey::from_bytes([number; IndexKey::LEN])
}

/// Later than any server's own clock.
fn at(second: u64) -> Timestamp {
    Timestamp::from_unix_seconds(4_102_444_800 + second)
}

const STORIES: u8 = 12;
