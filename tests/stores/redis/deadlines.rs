//! Every key goes by itself, and fields with the next write.

use std::time::Duration;

use bytes::Bytes;
use starsessions::Timestamp;
use starsessions::store::{
    Commit, Field, FieldWrite, Forward, IndexKey, Loaded, Record, Rotation, RowKey, Store, Touch,
};
use starsessions_tests::servers::Server;
use starsessions_tests::servers::redis::{Version, ask, redis};

use super::connected;

/// Each key of the server, with the seconds that it has left.
fn times_to_live(server: &Server) -> Vec<(String, i64)> {
    let keys = ask(server, &["KEYS", "*"]);
    let left = |key: &str| ask(server, &["TTL", key]);
    keys.lines()
        .map(|key| (key.to_owned(), left(key).trim().parse().unwrap()))
        .collect()
}

#[track_caller]
fn assert_all_end(server: &Server, after: &str) {
    let keys = times_to_live(server);
    assert!(!keys.is_empty());
    for (key, seconds) in keys {
        assert!(seconds > 0, "{key} has {seconds} s after {after}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_operation_leaves_a_key_for_ever() {
    for version in Version::ALL {
        let server = redis(version, &[]);
        let store = connected(&server).await;
        let [old, new] = [1, 2].map(|key| RowKey::from_bytes([key; 32]));
        store.create(&old, &record(), at(0)).await.unwrap();
        assert_all_end(&server, "create");
        store.commit(&old, &commit(), at(1)).await.unwrap();
        assert_all_end(&server, "commit");
        let touch = Touch::new(at(2), at(200));
        store.touch(&old, &touch, at(2)).await.unwrap();
        assert_all_end(&server, "touch");
        let mut rotation = Rotation::new(record(), None);
        rotation.forward = Some(Forward::new(Bytes::from_static(b"way"), at(30)));
        store.rotate(&old, &new, &rotation, at(2)).await.unwrap();
        assert_eq!(times_to_live(&server).len(), 3, "{version:?}");
        assert_all_end(&server, "rotate");
    }
}

/// By the server's own clock: what has expired is not there any more.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_the_past_is_not_kept() {
    let server = redis(Version::System, &[]);
    let store = connected(&server).await;
    let long_ago = Timestamp::from_unix_seconds(1_000_000);
    let key = RowKey::from_bytes([1; 32]);
    let record = Record::new(long_ago, long_ago + Duration::from_secs(60));
    store.create(&key, &record, long_ago).await.unwrap();
    assert_eq!(store.load(&key, long_ago).await.unwrap(), None);
}

/// Not before the minute for clocks that differ is over, and whatever the write is about.
#[tokio::test(flavor = "multi_thread")]
async fn a_field_whose_deadline_has_passed_goes_with_the_next_write() {
    for version in Version::ALL {
        let server = redis(version, &[]);
        let store = connected(&server).await;
        let mut record = Record::new(at(0), at(1_000));
        let kept = Field::new(Bytes::from_static(b"1"), 1);
        record.fields.insert("a.kept".into(), kept);
        let mut brief = Field::new(Bytes::from_static(b"2"), 1);
        brief.expires_at = Some(at(10));
        record.fields.insert("a.brief".into(), brief);
        let keys = [1, 2].map(|key| RowKey::from_bytes([key; 32]));
        for key in &keys {
            store.create(key, &record, at(0)).await.unwrap();
        }
        for (second, is_there) in [(11, true), (69, true), (70, false)] {
            let touch = Touch::new(at(second), at(1_000));
            store.touch(&keys[0], &touch, at(second)).await.unwrap();
            let commit = Commit::new(touch);
            store.commit(&keys[1], &commit, at(second)).await.unwrap();
            for key in &keys {
                let Some(Loaded::Live(record)) = store.load(key, at(second)).await.unwrap() else {
                    panic!("{version:?}: the session is lost");
                };
                assert!(record.fields.get("a.kept").is_some(), "{version:?}");
                let brief = record.fields.get("a.brief");
                assert_eq!(brief.is_some(), is_there, "{version:?}: {second}");
            }
        }
    }
}

fn record() -> Record {
    let mut record = Record::new(at(0), at(100));
    let mut field = Field::new(Bytes::from_static(b"1"), 1);
    field.index = Some(IndexKey::from_bytes([7; 32]));
    field.expires_at = Some(at(50));
    record.fields.insert("a.x".into(), field);
    record
}

fn commit() -> Commit {
    let mut commit = Commit::new(Touch::new(at(1), at(100)));
    let mut write = FieldWrite::new(Bytes::from_static(b"2"));
    write.idle_at = Some(at(40));
    commit.set.push(("a.y".into(), write));
    commit.touch.idle.push(("a.y".into(), at(45)));
    commit
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_unix_seconds(4_102_444_800 + second)
}
