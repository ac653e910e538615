//! The index of sessions: after crashes, and over long lifetimes.

use ::redis::cluster::ClusterClient;
use starsessions::Timestamp;
use starsessions::store::{
    Inserted, RedisStore, Replaced, Rotated, Rotation, Row, RowKey, Store, Touched,
};
use starsessions_tests::servers::Server;
use starsessions_tests::servers::redis::{Version, ask, redis, url};

use super::connected;
use super::lost_reply::{cluster, single};
use super::samples::{after, at, filed_row, index_key, key, touch, way_after};

const DAY: u64 = 24 * 3_600;

/// Extends the session in small steps. The index never loses a live session.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_kept_alive_for_a_year_is_found_all_the_time() {
    let server = redis(Version::System, &[]);
    let store = connected(&server).await;
    let (by_touch, by_write) = (key(1), key(2));
    let [mut touched, mut written] = [row_until(DAY), row_until(DAY)];
    for key in [&by_touch, &by_write] {
        store.insert(key, &touched, at(0)).await.unwrap();
    }
    for half_day in 1..730 {
        let (now, end) = (half_day * DAY / 2, half_day * DAY / 2 + DAY);
        let next = touch(now, end);
        let outcome = store.touch(&by_touch, &touched, next, at(now)).await;
        assert_eq!(outcome.unwrap(), Touched::Touched);
        touched.touch(next);
        let mut row = after(&written, b"next");
        row.touch(next);
        let outcome = store.replace(&by_write, &written, &row, at(now)).await;
        assert_eq!(outcome.unwrap(), Replaced::Replaced);
        written = row;
        assert_eq!(found(&store, at(now)).await, [by_touch, by_write], "{now}");
        // A new session cleans up the index.
        let mut brief = row_until(now + 1);
        brief.last_seen = at(now);
        let other = key(100 + (half_day % 100) as u8);
        store.remove(&other).await.unwrap();
        store.insert(&other, &brief, at(now)).await.unwrap();
    }
    assert_eq!(found(&store, at(366 * DAY)).await, []);
}

/// A node whose clock is ahead removes no entry whose session another node may still extend.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_ahead_takes_no_session_out_of_the_index() {
    let server = redis(Version::System, &[]);
    let store = connected(&server).await;
    let seen = row_until(DAY - 10);
    store.insert(&key(1), &seen, at(0)).await.unwrap();
    let (ahead, mut other) = (at(DAY + 79), row_until(2 * DAY));
    other.last_seen = ahead;
    store.insert(&key(2), &other, ahead).await.unwrap();
    assert_eq!(found(&store, ahead).await, [key(2)]);
    assert_eq!(found(&store, at(DAY - 11)).await, [key(1), key(2)]);
    let moved = touch(DAY - 11, DAY + 90);
    let touched = store.touch(&key(1), &seen, moved, at(DAY - 11)).await;
    assert_eq!(touched.unwrap(), Touched::Touched);
    assert_eq!(found(&store, ahead).await, [key(1), key(2)]);
}

/// An entry that was left after its session ended does no harm, and is removed later.
#[tokio::test(flavor = "multi_thread")]
async fn entries_that_lead_nowhere_are_passed_over_and_tidied_up() {
    let server = redis(Version::System, &[]);
    let store = connected(&server).await;
    let (kept, lost) = (key(1), key(2));
    for key in [&kept, &lost] {
        store.insert(key, &row_until(DAY), at(0)).await.unwrap();
    }
    // The state after a crash between two steps: the entry exists and the row does not.
    ask(&server, &["DEL", &name_of(&server, &lost)]);
    assert_eq!(found(&store, at(1)).await, [kept]);
    assert_eq!(entries(&server), "2\n");
    let later = 4 * DAY;
    let mut row = row_until(later + DAY);
    row.last_seen = at(later);
    store.insert(&key(3), &row, at(later)).await.unwrap();
    assert_eq!(entries(&server), "1\n", "two days are over");
}

/// One insert removes a limited number of ended entries. The next inserts remove more.
#[tokio::test(flavor = "multi_thread")]
async fn entries_that_have_ended_are_taken_out_a_hundred_at_a_time() {
    let server = redis(Version::System, &[]);
    let store = connected(&server).await;
    for number in 0..250 {
        store
            .insert(&numbered(number), &row_until(1), at(0))
            .await
            .unwrap();
    }
    let later = 4 * DAY;
    for (number, left) in [(1, "151\n"), (2, "52\n"), (3, "3\n")] {
        let row = row_until(later + DAY);
        store.insert(&key(number), &row, at(later)).await.unwrap();
        assert_eq!(entries(&server), left);
    }
}

/// A key of another type and a foreign value are not listed, and do not hide sessions.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_a_row_is_passed_over() {
    let server = redis(Version::System, &[]);
    let store = connected(&server).await;
    for number in 1..=3 {
        store
            .insert(&key(number), &row_until(DAY), at(0))
            .await
            .unwrap();
    }
    let [garbage, list] = [1, 2].map(|number| name_of(&server, &key(number)));
    ask(&server, &["SET", &garbage, "garbage"]);
    ask(&server, &["DEL", &list]);
    ask(&server, &["LPUSH", &list, "item"]);
    assert_eq!(found(&store, at(1)).await, [key(3)]);
}

/// Entries of a removed and of a rotated session are removed immediately.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_ended_is_taken_out() {
    let server = redis(Version::System, &[]);
    let store = connected(&server).await;
    let (old, new) = (key(1), key(2));
    store.insert(&old, &row_until(DAY), at(0)).await.unwrap();
    assert_eq!(rotate(&store, &old, &new).await, Rotated::Rotated);
    assert_eq!(entries(&server), "1\n");
    store.remove(&new).await.unwrap();
    assert_eq!(ask(&server, &["KEYS", "*index*"]), "");
}

/// In a Cluster, one request removes a session from a list, and another request adds it again before the entry is
/// removed.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_off_a_list_and_put_back_is_listed() {
    let (store, proxy, server) = cluster().await;
    let client = ClusterClient::new([url(&server)]).unwrap();
    let other = RedisStore::connect(client).await.unwrap();
    let (key, first) = (key(1), row_until(DAY));
    store.insert(&key, &first, at(0)).await.unwrap();
    let mut off = after(&first, b"off");
    off.listing = None;

    let gate = proxy.hold("ZREM");
    let taking = tokio::spawn({
        let (store, first, off) = (store.clone(), first.clone(), off.clone());
        async move { store.replace(&key, &first, &off, at(1)).await }
    });
    while other.load(&key, at(1)).await.unwrap().as_ref() != Some(&off) {
        tokio::task::yield_now().await;
    }
    let mut back = after(&off, b"back");
    back.listing = first.listing;
    let replaced = other.replace(&key, &off, &back, at(1)).await;
    assert_eq!(replaced.unwrap(), Replaced::Replaced);
    gate.open();
    assert_eq!(taking.await.unwrap().unwrap(), Replaced::Replaced);
    assert_eq!(found(&other, at(1)).await, [key]);
    assert_eq!(other.load(&key, at(1)).await.unwrap(), Some(back));
}

/// On one server, a row and its entries change atomically: each read finds both or neither.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_and_its_entry_come_and_go_in_one_step() {
    for version in Version::ALL {
        let server = redis(version, &[]);
        let store = connected(&server).await;
        let (key, first) = (key(1), row_until(DAY));
        store.insert(&key, &row_until(DAY), at(0)).await.unwrap();
        ask(&server, &["CONFIG", "RESETSTAT"]);
        let mut off = after(&first, b"off");
        off.listing = None;
        let replaced = store.replace(&key, &first, &off, at(1)).await;
        assert_eq!(replaced.unwrap(), Replaced::Replaced);
        assert_eq!(ask(&server, &["KEYS", "*index*"]), "", "{version:?}");
        let mut back = after(&off, b"back");
        back.listing = first.listing;
        let replaced = store.replace(&key, &off, &back, at(1)).await;
        assert_eq!(replaced.unwrap(), Replaced::Replaced);
        let stats = ask(&server, &["INFO", "commandstats"]);
        assert!(stats.contains("cmdstat_evalsha:calls=2,"), "{stats}");
        assert_eq!(found(&store, at(1)).await, [key], "{version:?}");
    }
}

/// A command that is sent twice, because its reply was lost, adds one entry.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_is_written_over_two_connections_is_found() {
    let (store, proxy, server) = single(Version::System).await;
    let (old, new) = (key(1), key(2));
    proxy.lose_reply_to("EVALSHA");
    let inserted = store.insert(&old, &row_until(DAY), at(0)).await;
    assert_eq!(inserted.unwrap(), Inserted::Inserted);
    assert!(proxy.has_lost());
    assert_eq!(found(&store, at(1)).await, [old]);

    proxy.lose_reply_to("EVALSHA");
    assert_eq!(rotate(&store, &old, &new).await, Rotated::Rotated);
    assert!(proxy.has_lost());
    assert_eq!(found(&store, at(1)).await, [new]);
    assert_eq!(entries(&server), "1\n");
}

/// A rotation to a key that is in use ends no session and hides none.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_whose_key_is_rotated_onto_is_still_found() {
    let server = redis(Version::System, &[]);
    let store = connected(&server).await;
    let (old, taken) = (key(1), key(2));
    for key in [&old, &taken] {
        store.insert(key, &row_until(DAY), at(0)).await.unwrap();
    }
    assert_eq!(rotate(&store, &old, &taken).await, Rotated::Exists);
    assert_eq!(found(&store, at(1)).await, [old, taken]);
}

/// An operation that took effect does not fail because the clean-up of an obsolete entry failed.
#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_tidy_up_has_taken_place() {
    let server = redis(Version::System, &[]);
    ask(&server, &["ACL", "SETUSER", "default", "-zrem"]);
    let store = connected(&server).await;
    let (old, new) = (key(1), key(2));
    store.insert(&old, &row_until(DAY), at(0)).await.unwrap();
    assert_eq!(rotate(&store, &old, &new).await, Rotated::Rotated);
    assert_eq!(found(&store, at(1)).await, [new]);
    assert!(store.remove(&new).await.unwrap().is_some());
    assert_eq!(found(&store, at(1)).await, []);

    let (later, next) = (at(4 * DAY), key(3));
    let inserted = store.insert(&next, &row_until(5 * DAY), later).await;
    assert_eq!(inserted.unwrap(), Inserted::Inserted);
    assert_eq!(found(&store, later).await, [next]);
}

/// A list is a snapshot, even while a session rotates continuously.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_never_listed_twice_and_never_missed() {
    let server = redis(Version::System, &[]);
    let (store, rotating) = (connected(&server).await, connected(&server).await);
    store
        .insert(&numbered(0), &row_until(DAY), at(0))
        .await
        .unwrap();
    let rotations = tokio::spawn(async move {
        for number in 1..ROTATIONS {
            let (old, new) = (numbered(number - 1), numbered(number));
            assert_eq!(rotate(&rotating, &old, &new).await, Rotated::Rotated);
        }
    });
    let mut lists = 0;
    while !rotations.is_finished() {
        let listed = store.listed(&index_key(), at(1)).await.unwrap();
        assert_eq!(listed.len(), 1);
        lists += 1;
    }
    rotations.await.unwrap();
    assert_ne!(lists, 0);
}

const ROTATIONS: u16 = 2_000;

async fn rotate(store: &RedisStore, old: &RowKey, new: &RowKey) -> Rotated {
    let seen = row_until(DAY);
    store
        .rotate(
            Rotation::new(old, &seen, &way_after(&seen), new, &seen),
            at(1),
        )
        .await
        .unwrap()
}

fn row_until(second: u64) -> Row {
    let mut row = filed_row(b"value");
    row.deadline = at(second);
    row
}

fn numbered(number: u16) -> RowKey {
    let mut bytes = [200; 32];
    bytes[1..3].copy_from_slice(&number.to_be_bytes());
    RowKey::from_bytes(bytes)
}

/// The listed keys whose first byte is below 100, sorted.
async fn found(store: &RedisStore, now: Timestamp) -> Vec<RowKey> {
    let listed = store.listed(&index_key(), now).await.unwrap();
    let mut keys: Vec<_> = listed.into_iter().map(|listed| listed.key).collect();
    keys.retain(|key| key.as_bytes()[0] < 100);
    keys.sort();
    keys
}

fn entries(server: &Server) -> String {
    let index = ask(server, &["KEYS", "*index*"]);
    ask(server, &["ZCARD", index.trim()])
}

/// The name of a key on the server.
fn name_of(server: &Server, key: &RowKey) -> String {
    let start = match key.as_bytes()[0] {
        1 => "AQEB",
        2 => "AgIC",
        number => panic!("{number}"),
    };
    let pattern = format!("starsessions:session:{start}*");
    ask(server, &["KEYS", &pattern]).trim().to_owned()
}
