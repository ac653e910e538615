//! A server that has reached its memory limit.

use ::redis::Client;
use ::redis::cluster::ClusterClient;
use starsessions::store::{
    Inserted, RedisStore, Replaced, Rotated, Rotation, Row, Store, StoreError,
};
use starsessions_tests::logs::Logs;
use starsessions_tests::servers::redis::{Version, ask, redis, url};

use super::samples::{after, at, filed_row, index_key, key, row, way_after};
use super::{connected, silence};

/// A full server refuses new data. Existing sessions stay and can be ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_server_takes_no_new_session_and_keeps_those_it_has() {
    for version in Version::ALL {
        let server = redis(version, &["--maxmemory-policy", "noeviction"]);
        let store = connected(&server).await;
        let (kept, first) = (key(1), filed_row(b"first"));
        let inserted = store.insert(&kept, &first, at(0)).await;
        assert_eq!(inserted.unwrap(), Inserted::Inserted);

        ask(&server, &["CONFIG", "SET", "maxmemory", "1"]);
        for refused in [row(b"guest"), filed_row(b"user")] {
            let inserted = store.insert(&key(2), &refused, at(0)).await;
            assert!(
                matches!(inserted, Err(StoreError::Unavailable(_))),
                "{version:?}: {inserted:?}"
            );
        }
        assert_eq!(ask(&server, &["DBSIZE"]), "2\n", "{version:?}");
        let second = after(&first, b"second");
        let replaced = store.replace(&kept, &first, &second, at(1)).await;
        assert!(replaced.is_err(), "{version:?}: {replaced:?}");
        let loaded = store.load(&kept, at(1)).await.unwrap();
        assert_eq!(loaded.as_ref(), Some(&first), "{version:?}");
        assert_eq!(store.remove(&kept).await.unwrap(), Some(first));
        assert_eq!(ask(&server, &["DBSIZE"]), "0\n", "{version:?}");
    }
}

/// An administrator can end sessions on a full server. No new id fits into what that frees.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_server_ends_sessions() {
    let mut kinds = Vec::new();
    for version in Version::ALL {
        let server = redis(version, &[]);
        let store = connected(&server).await;
        kinds.push((server, store));
    }
    kinds.push(silence::node().await);
    for (server, store) in kinds {
        let (guest, user) = (row(&[1; 200]), filed_row(&[2; 200]));
        store.insert(&key(1), &guest, at(0)).await.unwrap();
        store.insert(&key(2), &user, at(0)).await.unwrap();
        ask(&server, &["CONFIG", "SET", "maxmemory", "1"]);
        let listed = store.listed(&index_key(), at(1)).await.unwrap();
        assert_eq!(listed.len(), 1);

        let (old, new, way) = (key(2), key(3), way_after(&user));
        let rotation = Rotation::new(&old, &user, &way, &new, &user);
        let rotated = store.rotate(rotation, at(1)).await;
        assert_ne!(rotated.ok(), Some(Rotated::Rotated));
        assert_eq!(
            store.load(&key(2), at(1)).await.unwrap().as_ref(),
            Some(&user)
        );

        // A list leaves the value on the server.
        let mut found = user.clone();
        found.value = [].into();
        for (key, seen) in [(key(1), guest), (key(2), found)] {
            let replaced = store.replace(&key, &seen, &ended(&seen), at(1)).await;
            assert_eq!(replaced.unwrap(), Replaced::Replaced);
            let left = store.load(&key, at(1)).await.unwrap();
            assert_eq!(left, Some(ended(&seen)));
        }
        assert_eq!(store.listed(&index_key(), at(1)).await.unwrap(), []);
    }
}

fn ended(seen: &Row) -> Row {
    let mut row = after(seen, b"e");
    (row.listing, row.deadline) = (None, at(1));
    row
}

/// Sessions that are in use could not be listed and ended any more.
#[tokio::test]
async fn a_server_that_removes_keys_when_it_is_full_is_reported_at_the_start() {
    const LIMIT: &str = "100mb";
    for version in Version::ALL {
        for (limit, policy, user, is_reported) in [
            (LIMIT, "noeviction", "", false),
            ("0", "allkeys-lru", "", false),
            (LIMIT, "allkeys-lru", "", true),
            (LIMIT, "volatile-ttl", "", true),
            (LIMIT, "allkeys-lru", "shop:hunter2@", false),
        ] {
            let server = redis(
                version,
                &["--maxmemory", limit, "--maxmemory-policy", policy],
            );
            let shop = "ACL SETUSER shop on >hunter2 ~* +@all -@dangerous";
            ask(&server, &shop.split(' ').collect::<Vec<_>>());
            for options in ["", "?protocol=resp3"] {
                let logs = Logs::capture();
                let url = format!("redis://{user}{}/{options}", server.address());
                let client = Client::open(url).unwrap();
                RedisStore::connect(client).await.unwrap();
                let lines = logs.with(&["ERROR", "noeviction", policy]);
                assert_eq!(
                    lines.len(),
                    usize::from(is_reported),
                    "{version:?}: {lines:?}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_cluster_whose_node_removes_keys_is_reported_at_the_start() {
    let (node, _) = silence::node().await;
    let connect = async || {
        let logs = Logs::capture();
        let client = ClusterClient::new([url(&node)]).unwrap();
        RedisStore::connect(client).await.unwrap();
        logs.with(&["ERROR", "noeviction", "volatile-lru"]).len()
    };
    ask(
        &node,
        &["CONFIG", "SET", "maxmemory-policy", "volatile-lru"],
    );
    assert_eq!(connect().await, 0);
    ask(&node, &["CONFIG", "SET", "maxmemory", "100mb"]);
    assert_eq!(connect().await, 1);
}
