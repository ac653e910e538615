//! How often the server is asked, by its own count.

use std::collections::BTreeMap;

use bytes::Bytes;
use starsessions::store::{
    Commit, Committed, Created, Field, FieldWrite, IndexKey, Record, Rotated, Rotation, RowKey,
    Store, Touch, Touched,
};
use starsessions::{RedisStore, Timestamp};
use starsessions_tests::servers::Server;
use starsessions_tests::servers::redis::{Version, ask, redis};

use super::connected;

/// What a client has sent, without what scripts have called.
fn sent(server: &Server) -> BTreeMap<String, u64> {
    let stats = ask(server, &["INFO", "commandstats"]);
    let counts = stats.lines().filter_map(|line| {
        let (name, counts) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        Some((name.to_owned(), counts.split(',').next()?.parse().ok()?))
    });
    counts.collect()
}

/// The requests of one operation: with the scripts known, each of them is one.
async fn requests<T>(server: &Server, operation: impl Future<Output = T>) -> (T, u64) {
    ask(server, &["CONFIG", "RESETSTAT"]);
    let outcome = operation.await;
    let sent = sent(server);
    let count = |names: &[&str]| names.iter().filter_map(|name| sent.get(*name)).sum::<u64>();
    let scripts = count(&["evalsha", "eval"]);
    // The other scripts call some of these themselves, but never take anything out of an index.
    let of_index = count(&["zscore"]);
    let alone = if scripts == of_index {
        count(&["get", "set", "getdel", "zrem"])
    } else {
        count(&["zrem"])
    };
    (outcome, scripts + alone)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_operation_takes_as_many_round_trips_as_the_documentation_says() {
    let server = redis(Version::System, &[]);
    let store = connected(&server).await;
    // The server learns the scripts.
    visit(&server, &store, [1, 2], false).await;
    let plain = visit(&server, &store, [3, 4], false).await;
    assert_eq!(
        plain,
        [
            ("create", 1),
            ("load", 1),
            ("commit", 1),
            ("conflict", 1),
            ("touch", 1),
            ("rotate", 1),
            ("delete", 1)
        ]
    );
    visit(&server, &store, [5, 6], true).await;
    let indexed = visit(&server, &store, [7, 8], true).await;
    assert_eq!(
        indexed,
        [
            ("create", 2),
            ("load", 1),
            ("commit", 1),
            ("conflict", 1),
            ("touch", 1),
            ("rotate", 3),
            ("delete", 2)
        ]
    );
}

async fn visit(
    server: &Server,
    store: &RedisStore,
    keys: [u8; 2],
    is_indexed: bool,
) -> [(&'static str, u64); 7] {
    let [old, new] = keys.map(|key| RowKey::from_bytes([key; 32]));
    let record = record(is_indexed);
    let (created, create) = requests(server, store.create(&old, &record, at(0))).await;
    assert_eq!(created.unwrap(), Created::Applied);
    let (loaded, load) = requests(server, store.load(&old, at(1))).await;
    assert!(loaded.unwrap().is_some());
    let mut change = commit();
    let (committed, commit) = requests(server, store.commit(&old, &change, at(1))).await;
    assert_eq!(committed.unwrap(), Committed::Applied(2));
    change.guards = vec![("a.y".into(), 7)];
    let (refused, conflict) = requests(server, store.commit(&old, &change, at(1))).await;
    assert!(matches!(refused.unwrap(), Committed::Conflict(_)));
    let (touched, touch) = requests(
        server,
        store.touch(&old, &Touch::new(at(2), at(200)), at(2)),
    )
    .await;
    assert_eq!(touched.unwrap(), Touched::Applied);
    let rotation = Rotation::new(record, Some(2));
    let (rotated, rotate) = requests(server, store.rotate(&old, &new, &rotation, at(2))).await;
    assert_eq!(rotated.unwrap(), Rotated::Applied);
    let (deleted, delete) = requests(server, store.delete(&new, at(2))).await;
    assert_eq!(deleted.unwrap(), None);
    [
        ("create", create),
        ("load", load),
        ("commit", commit),
        ("conflict", conflict),
        ("touch", touch),
        ("rotate", rotate),
        ("delete", delete),
    ]
}

fn record(is_indexed: bool) -> Record {
    let mut record = Record::new(at(0), at(100));
    let mut field = Field::new(Bytes::from_static(b"1"), 1);
    field.index = is_indexed.then(|| IndexKey::from_bytes([7; 32]));
    record.fields.insert("a.x".into(), field);
    record
}

fn commit() -> Commit {
    let mut commit = Commit::new(Touch::new(at(1), at(100)));
    let write = FieldWrite::new(Bytes::from_static(b"2"));
    commit.set.push(("a.y".into(), write));
    commit
}

/// No operation looks at more keys than its own.
#[tokio::test(flavor = "multi_thread")]
async fn no_operation_searches_the_server() {
    let server = redis(Version::System, &[]);
    let store = connected(&server).await;
    ask(&server, &["CONFIG", "RESETSTAT"]);
    visit(&server, &store, [1, 2], true).await;
    store
        .sessions_of(&IndexKey::from_bytes([7; 32]), at(3))
        .await
        .unwrap();
    let sent = sent(&server);
    for command in ["keys", "scan", "sscan", "hscan", "zscan", "sort"] {
        assert!(!sent.contains_key(command), "{sent:?}");
    }
}

/// A server forgets scripts when it is restarted, and when it is told to.
#[tokio::test(flavor = "multi_thread")]
async fn forgotten_scripts_are_taught_again() {
    let server = redis(Version::System, &[]);
    let store = connected(&server).await;
    for key in 0..5 {
        ask(&server, &["SCRIPT", "FLUSH"]);
        let key = RowKey::from_bytes([key; 32]);
        let created = store.create(&key, &record(true), at(0)).await;
        assert_eq!(created.unwrap(), Created::Applied);
        ask(&server, &["SCRIPT", "FLUSH"]);
        let committed = store.commit(&key, &commit(), at(1)).await;
        assert_eq!(committed.unwrap(), Committed::Applied(2));
    }
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_unix_seconds(4_102_444_800 + second)
}
