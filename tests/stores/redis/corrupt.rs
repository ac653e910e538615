//! A session's key that holds something else.

use starsessions::store::{Inserted, Store, StoreError};
use starsessions_tests::servers::redis::{Version, ask, redis};

use super::connected;
use super::samples::{after, at, key, row, touch};

/// Neither is a session, and neither is in the way of one for longer than until its removal.
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
