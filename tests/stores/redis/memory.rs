//! A server that has reached its memory limit.

use starsessions::store::{Inserted, Store, StoreError};
use starsessions_tests::servers::redis::{Version, ask, redis};

use super::connected;
use super::samples::{after, at, filed_row, key, row};

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
