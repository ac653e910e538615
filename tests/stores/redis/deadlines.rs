//! Every key expires on the server.

use std::time::Duration;

use starsessions::Timestamp;
use starsessions::store::{Rotation, Row, Store};
use starsessions_tests::servers::Server;
use starsessions_tests::servers::redis::{Version, ask, redis};

use super::connected;
use super::samples::{after, at, filed_row, key, touch, way_after};

/// Each key of the server, with its remaining lifetime in seconds.
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
        let (old, new, first) = (key(1), key(2), filed_row(b"first"));
        store.insert(&old, &first, at(0)).await.unwrap();
        assert_all_end(&server, "insert");
        let second = after(&first, b"second");
        store.replace(&old, &first, &second, at(1)).await.unwrap();
        assert_all_end(&server, "replace");
        store
            .touch(&old, &second, touch(2, 200), at(2))
            .await
            .unwrap();
        assert_all_end(&server, "touch");
        let (left, moved) = (way_after(&second), filed_row(b"moved"));
        let rotation = Rotation::new(&old, &second, &left, &new, &moved);
        store.rotate(rotation, at(2)).await.unwrap();
        assert_eq!(times_to_live(&server).len(), 3, "{version:?}");
        assert_all_end(&server, "rotate");
    }
}

/// The extra minute allows for a server whose clock is ahead.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_stays_a_minute_longer_than_its_session() {
    for version in Version::ALL {
        let server = redis(version, &[]);
        let store = connected(&server).await;
        store
            .insert(&key(1), &filed_row(b"first"), at(0))
            .await
            .unwrap();
        for (name, seconds) in times_to_live(&server) {
            let clock: i64 = ask(&server, &["TIME"])
                .lines()
                .next()
                .unwrap()
                .parse()
                .unwrap();
            let end = i64::try_from(at(100).as_unix_seconds()).unwrap();
            assert!(clock + seconds > end + 50, "{version:?}: {name}");
        }
    }
}

/// The server expires the key by its own clock.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_the_past_is_not_kept() {
    for version in Version::ALL {
        let server = redis(version, &[]);
        let store = connected(&server).await;
        let long_ago = Timestamp::from_unix_seconds(1_000_000);
        let row = Row::new(*b"past", long_ago, long_ago + Duration::from_secs(60));
        store.insert(&key(1), &row, long_ago).await.unwrap();
        assert_eq!(store.load(&key(1), long_ago).await.unwrap(), None);
    }
}

/// A deadline beyond the server's maximum.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_without_end_is_kept_as_it_was_given() {
    for version in Version::ALL {
        let server = redis(version, &[]);
        let store = connected(&server).await;
        let mut row = filed_row(b"for ever");
        row.deadline = Timestamp::from_unix_seconds(u64::MAX - 1);
        store.insert(&key(1), &row, at(0)).await.unwrap();
        assert_eq!(store.load(&key(1), at(1)).await.unwrap(), Some(row));
        assert_all_end(&server, "insert");
    }
}
