//! The number of commands per operation, as the server counts them.

use std::collections::BTreeMap;

use starsessions::store::{
    IndexKey, Inserted, RedisStore, Replaced, Rotated, Rotation, Row, Store, Touched,
};
use starsessions_tests::servers::Server;
use starsessions_tests::servers::redis::{Version, ask, redis};

use super::connected;
use super::lost_reply::single;
use super::samples::{after, at, filed_row, index_key, key, row, touch, way_after};
use crate::proxy::Proxy;

/// The number of calls per command, including those made by scripts.
fn calls(server: &Server) -> BTreeMap<String, u64> {
    let stats = ask(server, &["INFO", "commandstats"]);
    let counts = stats.lines().filter_map(|line| {
        let (name, counts) = line.strip_prefix("cmdstat_")?.split_once(":calls=")?;
        Some((name.to_owned(), counts.split(',').next()?.parse().ok()?))
    });
    counts.collect()
}

/// The number of round trips of an operation, once the server knows the scripts.
async fn trips<T>(proxy: &Proxy, operation: impl Future<Output = T>) -> (T, usize) {
    let before = proxy.round_trips();
    let outcome = operation.await;
    (outcome, proxy.round_trips() - before)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_operation_takes_as_many_round_trips_as_the_documentation_says() {
    for version in [Version::System, Version::Valkey9] {
        let (store, proxy, _server) = single(version).await;
        // Loads the scripts into the server, and lets the store detect the server's features.
        store.listed(&index_key(), at(0)).await.unwrap();
        visit(&proxy, &store, [1, 2], &filed_row(b"first")).await;
        let guest = visit(&proxy, &store, [3, 4], &row(b"first")).await;
        // A refusal by script returns the current row; `SET .. IFEQ` does not, so the store must read it.
        let stale = if version == Version::System { 1 } else { 2 };
        assert_eq!(
            guest,
            [
                ("insert", 1),
                ("load", 1),
                ("replace", 1),
                ("stale", stale),
                ("touch", 1),
                ("rotate", 1),
                ("remove", 1),
            ],
            "{version:?}"
        );
        let user = visit(&proxy, &store, [5, 6], &filed_row(b"first")).await;
        assert_eq!(
            user,
            [
                ("insert", 1),
                ("load", 1),
                ("replace", 1),
                ("stale", stale),
                ("touch", 1),
                ("rotate", 1),
                ("remove", 2),
            ],
            "{version:?}"
        );
        let (listed, list) = trips(&proxy, store.listed(&index_key(), at(1))).await;
        assert_eq!((listed.unwrap().len(), list), (0, 1));
        store
            .insert(&key(7), &filed_row(b"first"), at(0))
            .await
            .unwrap();
        let (listed, list) = trips(&proxy, store.listed(&index_key(), at(1))).await;
        assert_eq!((listed.unwrap().len(), list), (1, 1));
    }
}

async fn visit(
    proxy: &Proxy,
    store: &RedisStore,
    keys: [u8; 2],
    first: &Row,
) -> [(&'static str, usize); 7] {
    let [old, new] = keys.map(key);
    let (inserted, insert) = trips(proxy, store.insert(&old, first, at(0))).await;
    assert_eq!(inserted.unwrap(), Inserted::Inserted);
    let (loaded, load) = trips(proxy, store.load(&old, at(1))).await;
    assert!(loaded.unwrap().is_some());
    let second = after(first, b"second");
    let (replaced, replace) = trips(proxy, store.replace(&old, first, &second, at(1))).await;
    assert_eq!(replaced.unwrap(), Replaced::Replaced);
    let (refused, stale) = trips(proxy, store.replace(&old, first, &second, at(1))).await;
    assert_eq!(refused.unwrap(), Replaced::Stale(second.clone()));
    let moved = touch(2, 200);
    let (touched, touch) = trips(proxy, store.touch(&old, &second, moved, at(2))).await;
    assert_eq!(touched.unwrap(), Touched::Touched);
    let mut seen = second;
    seen.touch(moved);
    let (rotated, rotate) = trips(
        proxy,
        store.rotate(
            Rotation::new(&old, &seen, &way_after(&seen), &new, first),
            at(2),
        ),
    )
    .await;
    assert_eq!(rotated.unwrap(), Rotated::Rotated);
    let (removed, remove) = trips(proxy, store.remove(&new)).await;
    assert!(removed.unwrap().is_some());
    [
        ("insert", insert),
        ("load", load),
        ("replace", replace),
        ("stale", stale),
        ("touch", touch),
        ("rotate", rotate),
        ("remove", remove),
    ]
}

/// A server that supports `IFEQ` gets no script. For other servers, the store tries `IFEQ` only once.
#[tokio::test(flavor = "multi_thread")]
async fn rows_are_replaced_by_the_servers_own_means_where_it_has_them() {
    for (version, has_ifeq) in [
        (Version::System, false),
        (Version::Redis6, false),
        (Version::Redis8, false),
        (Version::Valkey9, true),
    ] {
        let server = redis(version, &[]);
        let store = connected(&server).await;
        let mut seen = row(b"first");
        store.insert(&key(1), &seen, at(0)).await.unwrap();
        ask(&server, &["CONFIG", "RESETSTAT"]);
        for _ in 0..10 {
            let next = after(&seen, b"next");
            let replaced = store.replace(&key(1), &seen, &next, at(1)).await;
            assert_eq!(replaced.unwrap(), Replaced::Replaced);
            seen = next;
        }
        let calls = calls(&server);
        let scripts = calls.get("evalsha").copied().unwrap_or_default();
        assert_eq!(
            scripts,
            if has_ifeq { 0 } else { 10 },
            "{version:?}: {calls:?}"
        );
        assert_eq!(
            calls["set"],
            if has_ifeq { 10 } else { 11 },
            "{version:?}: {calls:?}"
        );
    }
}

/// No operation scans keys other than its own.
#[tokio::test(flavor = "multi_thread")]
async fn no_operation_searches_the_server() {
    let (store, proxy, server) = single(Version::System).await;
    ask(&server, &["CONFIG", "RESETSTAT"]);
    visit(&proxy, &store, [1, 2], &filed_row(b"first")).await;
    store
        .listed(&IndexKey::from_bytes([7; 32]), at(3))
        .await
        .unwrap();
    let calls = calls(&server);
    for command in ["keys", "scan", "sscan", "hscan", "zscan", "sort"] {
        assert!(!calls.contains_key(command), "{calls:?}");
    }
}

/// A server forgets scripts after a restart and after `SCRIPT FLUSH`.
#[tokio::test(flavor = "multi_thread")]
async fn forgotten_scripts_are_taught_again() {
    let server = redis(Version::System, &[]);
    let store = connected(&server).await;
    for number in 0..5 {
        ask(&server, &["SCRIPT", "FLUSH"]);
        let (key, first) = (key(number), filed_row(b"first"));
        let inserted = store.insert(&key, &first, at(0)).await;
        assert_eq!(inserted.unwrap(), Inserted::Inserted);
        ask(&server, &["SCRIPT", "FLUSH"]);
        let second = after(&first, b"second");
        let replaced = store.replace(&key, &first, &second, at(1)).await;
        assert_eq!(replaced.unwrap(), Replaced::Replaced);
    }
}
