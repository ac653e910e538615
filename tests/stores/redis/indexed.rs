//! The index beside the sessions: what a crash leaves, and what a long life needs.

use std::time::Duration;

use bytes::Bytes;
use starsessions::store::{
    Commit, Committed, Field, IndexKey, Record, Rotated, Rotation, RowKey, Store, Touch, Touched,
};
use starsessions::{RedisStore, Timestamp};
use starsessions_tests::servers::redis::{Version, ask, redis};

use super::connected;

const DAY: u64 = 24 * 3_600;

/// For a year, by small steps: never does the index forget what still lives.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_kept_alive_for_a_year_is_found_all_the_time() {
    let server = redis(Version::System, &[]);
    let store = connected(&server).await;
    let (touched, committed) = (key(1), key(2));
    for key in [&touched, &committed] {
        store
            .create(key, &record(at(0), at(DAY)), at(0))
            .await
            .unwrap();
    }
    for day in 1..365 {
        let now = at(day * DAY - 60);
        let touch = Touch::new(now, at((day + 1) * DAY));
        let commit = Commit::new(touch.clone());
        assert_eq!(
            store.touch(&touched, &touch, now).await.unwrap(),
            Touched::Applied
        );
        let outcome = store.commit(&committed, &commit, now).await.unwrap();
        assert_eq!(outcome, Committed::Applied(day + 1));
        assert_eq!(found(&store, now).await, [touched, committed], "day {day}");
        // Somebody else signs in, which tidies the index up.
        store
            .create(
                &key(100 + (day % 100) as u8),
                &record(now, now + SECOND),
                now,
            )
            .await
            .unwrap();
    }
    let now = at(365 * DAY);
    assert_eq!(found(&store, now).await, []);
}

/// What ended without being taken out is in nobody's way, and does not stay for ever.
#[tokio::test(flavor = "multi_thread")]
async fn entries_that_lead_nowhere_are_passed_over_and_tidied_up() {
    let server = redis(Version::System, &[]);
    let store = connected(&server).await;
    let (kept, lost) = (key(1), key(2));
    for key in [&kept, &lost] {
        store
            .create(key, &record(at(0), at(DAY)), at(0))
            .await
            .unwrap();
    }
    // A crash after the first of two steps: the entry is there and the session is not.
    let keys = ask(&server, &["KEYS", "starsessions:session:AgIC*"]);
    ask(&server, &["DEL", keys.trim()]);
    assert_eq!(found(&store, at(1)).await, [kept]);

    let index = ask(&server, &["KEYS", "starsessions:index:*"]);
    let entries = || ask(&server, &["ZCARD", index.trim()]);
    assert_eq!(entries(), "2\n");
    let later = at(40 * DAY);
    store
        .create(&key(3), &record(later, at(41 * DAY)), later)
        .await
        .unwrap();
    assert_eq!(entries(), "1\n", "the month is over");
}

/// A deleted and a rotated session are taken out at once.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_is_taken_out() {
    let server = redis(Version::System, &[]);
    let store = connected(&server).await;
    let (old, new) = (key(1), key(2));
    let record = record(at(0), at(DAY));
    store.create(&old, &record, at(0)).await.unwrap();
    let index = ask(&server, &["KEYS", "starsessions:index:*"]);
    let entries = || ask(&server, &["ZCARD", index.trim()]);
    let rotation = Rotation::new(record, None);
    store.rotate(&old, &new, &rotation, at(1)).await.unwrap();
    assert_eq!(entries(), "1\n");
    store.delete(&new, at(1)).await.unwrap();
    assert_eq!(entries(), "0\n");
}

/// Rotating onto a key that is taken ends nothing, and hides nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_whose_key_somebody_rotates_onto_is_still_found() {
    let server = redis(Version::System, &[]);
    let store = connected(&server).await;
    let (old, taken) = (key(1), key(2));
    let record = record(at(0), at(DAY));
    for key in [&old, &taken] {
        store.create(key, &record, at(0)).await.unwrap();
    }
    let rotation = Rotation::new(record, None);
    let rotated = store.rotate(&old, &taken, &rotation, at(1)).await;
    assert_eq!(rotated.unwrap(), Rotated::Exists);
    assert_eq!(found(&store, at(1)).await, [old, taken]);
}

/// What has happened is not called a failure because an entry that leads nowhere has stayed.
#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_and_a_deletion_that_cannot_tidy_up_have_taken_place() {
    let server = redis(Version::System, &[]);
    ask(&server, &["ACL", "SETUSER", "default", "-zrem"]);
    let store = connected(&server).await;
    let (old, new) = (key(1), key(2));
    let record = record(at(0), at(DAY));
    store.create(&old, &record, at(0)).await.unwrap();
    let rotation = Rotation::new(record, None);
    let rotated = store.rotate(&old, &new, &rotation, at(1)).await;
    assert_eq!(rotated.unwrap(), Rotated::Applied);
    assert_eq!(found(&store, at(1)).await, [new]);
    assert_eq!(store.delete(&new, at(1)).await.unwrap(), None);
    assert_eq!(found(&store, at(1)).await, []);
}

/// A list is what is there at one moment, also while a session is given new ids all the time.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_never_listed_twice() {
    let server = redis(Version::System, &[]);
    let (store, rotating) = (connected(&server).await, connected(&server).await);
    let record = record(at(0), at(DAY));
    store.create(&numbered(0), &record, at(0)).await.unwrap();
    let rotations = tokio::spawn(async move {
        let rotation = Rotation::new(record, None);
        for number in 1..ROTATIONS {
            let (old, new) = (numbered(number - 1), numbered(number));
            let rotated = rotating.rotate(&old, &new, &rotation, at(1)).await;
            assert_eq!(rotated.unwrap(), Rotated::Applied);
        }
    });
    let index = IndexKey::from_bytes([7; 32]);
    while !rotations.is_finished() {
        let sessions = store.sessions_of(&index, at(1)).await.unwrap();
        assert_eq!(sessions.len(), 1);
    }
    rotations.await.unwrap();
}

const ROTATIONS: u16 = 2_000;

fn numbered(number: u16) -> RowKey {
    let mut bytes = [0; 32];
    bytes[..2].copy_from_slice(&number.to_be_bytes());
    RowKey::from_bytes(bytes)
}

async fn found(store: &RedisStore, now: Timestamp) -> Vec<RowKey> {
    let sessions = store.sessions_of(&IndexKey::from_bytes([7; 32]), now).await;
    let mut keys: Vec<_> = sessions.unwrap().into_iter().map(|(key, _)| key).collect();
    keys.retain(|key| key.as_bytes()[0] < 100);
    keys.sort();
    keys
}

fn key(number: u8) -> RowKey {
    RowKey::from_bytes([number; 32])
}

fn record(from: Timestamp, to: Timestamp) -> Record {
    let mut record = Record::new(from, to);
    let mut field = Field::new(Bytes::from_static(b"1"), 1);
    field.index = Some(IndexKey::from_bytes([7; 32]));
    record.fields.insert("a.x".into(), field);
    record
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_unix_seconds(4_102_444_800 + second)
}

const SECOND: Duration = Duration::from_secs(1);
