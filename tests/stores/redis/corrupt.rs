//! Keys of sessions with other content.

use std::sync::Arc;

use starsessions::store::{Inserted, Listing, Replaced, Store, StoreError};
use starsessions_tests::logs::Logs;
use starsessions_tests::servers::redis::{Version, ask, redis};

use super::connected;
use super::samples::{after, at, filed_row, index_key, key, row, touch};

/// Neither value is a session. After its removal, a session can use the key.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_a_row_is_corrupt_until_it_is_removed() {
    for version in Version::ALL {
        let server = redis(version, &[]);
        let store = connected(&server).await;
        let (key, seen) = (key(1), row(b"first"));
        store.insert(&key, &seen, at(0)).await.unwrap();
        let name = ask(&server, &["KEYS", "*"]);
        let name = name.trim();
        for other in [["SET", name, "garbage"], ["LPUSH", name, "item"]] {
            ask(&server, &["DEL", name]);
            ask(&server, &other);
            let is_corrupt = |error: StoreError| {
                assert!(
                    matches!(error, StoreError::Corrupt(_)),
                    "{version:?}: {error:?}"
                );
            };
            is_corrupt(store.load(&key, at(1)).await.unwrap_err());
            is_corrupt(store.insert(&key, &seen, at(1)).await.unwrap_err());
            let second = after(&seen, b"second");
            is_corrupt(
                store
                    .replace(&key, &seen, &second, at(1))
                    .await
                    .unwrap_err(),
            );
            is_corrupt(
                store
                    .touch(&key, &seen, touch(2, 200), at(1))
                    .await
                    .unwrap_err(),
            );
            assert_eq!(store.remove(&key).await.unwrap(), None, "{version:?}");
            let inserted = store.insert(&key, &seen, at(1)).await;
            assert_eq!(inserted.unwrap(), Inserted::Inserted, "{version:?}");
        }
    }
}

/// An index of another type must block neither a sign-in nor a logout until an operator repairs it.
#[tokio::test]
async fn an_index_that_is_none_begins_anew_with_the_next_session() {
    for version in Version::ALL {
        let server = redis(version, &[]);
        {
            let store = connected(&server).await;
            let user = filed_row(b"user");
            store.insert(&key(1), &user, at(0)).await.unwrap();
            let names = ask(&server, &["KEYS", "*index:*"]);
            let name = names.trim();
            ask(&server, &["SET", name, "garbage"]);
            // The answer must not be an empty list, because the session that was listed is still valid.
            let listed = store.listed(&index_key(), at(1)).await;
            assert!(matches!(listed, Err(StoreError::Corrupt(_))), "{version:?}");
            assert!(store.remove(&key(1)).await.unwrap().is_some());

            let logs = Logs::capture();
            let inserted = store.insert(&key(2), &user, at(1)).await;
            assert_eq!(inserted.unwrap(), Inserted::Inserted, "{version:?}");
            assert_eq!(logs.with(&["ERROR", "begins anew"]).len(), 1, "{version:?}");
            drop(logs);
            let listed = store.listed(&index_key(), at(1)).await.unwrap();
            assert_eq!(listed.len(), 1, "{version:?}");
            let end = ask(&server, &["TTL", name]);
            assert_ne!(end.trim(), "-1", "it ends by itself");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_is_none_is_passed_over() {
    let server = redis(Version::System, &[]);
    let (node, clustered) = super::silence::node().await;
    for (server, store) in [(&server, connected(&server).await), (&node, clustered)] {
        let user = filed_row(b"user");
        store.insert(&key(1), &user, at(0)).await.unwrap();
        let names = ask(server, &["KEYS", "*index:*"]);
        ask(server, &["ZADD", names.trim(), "9999999999", "garbage"]);
        let listed = store.listed(&index_key(), at(1)).await.unwrap();
        assert_eq!(listed.len(), 1);
    }
}

/// An entry of another program may end at a time that no key can.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_never_ends_blocks_no_sign_in() {
    let mut kinds = Vec::new();
    for version in Version::ALL {
        let server = redis(version, &[]);
        let store = connected(&server).await;
        kinds.push((server, store));
    }
    kinds.push(super::silence::node().await);
    for (server, store) in kinds {
        let user = filed_row(b"user");
        store.insert(&key(1), &user, at(0)).await.unwrap();
        let names = ask(&server, &["KEYS", "*index:*"]);
        let name = names.trim();
        let entry = ask(&server, &["ZRANGE", name, "0", "0"]);
        for (score, number) in ["+inf", "1e300", "1e17", "9999999999.5"]
            .into_iter()
            .zip(2..)
        {
            ask(&server, &["ZADD", name, score, "garbage"]);
            ask(&server, &["ZADD", name, score, entry.trim()]);
            let inserted = store.insert(&key(number), &user, at(0)).await;
            assert_eq!(inserted.unwrap(), Inserted::Inserted, "{score}");
            let listed = store.listed(&index_key(), at(1)).await.unwrap();
            assert_eq!(listed.len(), usize::from(number), "{score}");
            let entries = ask(&server, &["ZRANGE", name, "0", "-1"]);
            assert!(!entries.contains("garbage"), "{entries}");
            assert_ne!(ask(&server, &["TTL", name]).trim(), "-1");
        }
    }
}

/// A value of another program must not hide the sessions that are listed beside it.
#[tokio::test(flavor = "multi_thread")]
async fn a_huge_value_hides_no_session() {
    const HUGE: &str = "100000000";
    let limit = ["client-output-buffer-limit", "normal 32mb 0 0"];
    for version in Version::ALL {
        let server = redis(version, &[]);
        ask(&server, &[&["CONFIG", "SET"], &limit[..]].concat());
        let store = connected(&server).await;
        let mut session = filed_row(b"session");
        session.listing = Some(Arc::new(Listing::new(vec![index_key()], [7; 60_000])));
        store.insert(&key(1), &session, at(0)).await.unwrap();
        let name = ask(&server, &["KEYS", "*session:*"]);
        ask(&server, &["SETRANGE", name.trim(), HUGE, "huge"]);
        store.insert(&key(2), &session, at(0)).await.unwrap();
        let names = ask(&server, &["KEYS", "*session:*"]);
        let other = names.lines().find(|other| *other != name.trim());
        ask(&server, &["DEL", other.unwrap()]);
        ask(&server, &["SETRANGE", other.unwrap(), HUGE, "huge"]);

        let listed = store.listed(&index_key(), at(1)).await.unwrap();
        assert_eq!(listed.len(), 1, "{version:?}");
        assert_eq!(listed[0].listing.card(), [7; 60_000]);
        let mut ended = after(&session, b"e");
        (ended.listing, ended.deadline) = (None, at(1));
        let replaced = store.replace(&key(1), &session, &ended, at(1)).await;
        assert_eq!(replaced.unwrap(), Replaced::Replaced, "{version:?}");
    }
}

/// Bytes that would be packed in another way could never be replaced.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_in_another_form_is_corrupt_until_it_is_removed() {
    for version in Version::ALL {
        let server = redis(version, &[]);
        let store = connected(&server).await;
        let first = row(b"first");
        store.insert(&key(1), &first, at(0)).await.unwrap();
        let name = ask(&server, &["KEYS", "*"]);
        for place in ["9", "17"] {
            let last_second = format!(
                "return redis.call('SETRANGE', KEYS[1], {place}, '{}')",
                "\\255".repeat(8)
            );
            ask(&server, &["EVAL", &last_second, "1", name.trim()]);
            let loaded = store.load(&key(1), at(1)).await;
            assert!(
                matches!(loaded, Err(StoreError::Corrupt(_))),
                "{version:?}: {loaded:?}"
            );
            assert_eq!(store.remove(&key(1)).await.unwrap(), None);
            let inserted = store.insert(&key(1), &first, at(1)).await;
            assert_eq!(inserted.unwrap(), Inserted::Inserted, "{version:?}");
        }
    }
}
