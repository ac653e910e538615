//! A server that has used up the memory it may use.

use bytes::Bytes;
use starsessions::store::{
    Commit, Created, Field, FieldWrite, IndexKey, Loaded, Record, RowKey, Store, Touch,
};
use starsessions::{StoreError, Timestamp};
use starsessions_tests::servers::redis::{Version, ask, redis};

use super::connected;

/// The limit holds: what would need more is refused, and what is there stays and can be ended.
#[tokio::test(flavor = "multi_thread")]
async fn a_full_server_takes_no_new_session_and_keeps_those_it_has() {
    for version in Version::ALL {
        let server = redis(version, &["--maxmemory-policy", "noeviction"]);
        let store = connected(&server).await;
        let (kept, refused) = (RowKey::from_bytes([1; 32]), RowKey::from_bytes([2; 32]));
        let created = store.create(&kept, &record(true), at(0)).await;
        assert_eq!(created.unwrap(), Created::Applied);

        ask(&server, &["CONFIG", "SET", "maxmemory", "1"]);
        for is_indexed in [false, true] {
            let created = store.create(&refused, &record(is_indexed), at(0)).await;
            assert!(
                matches!(created, Err(StoreError::Unavailable(_))),
                "{version:?}: {created:?}"
            );
        }
        assert_eq!(ask(&server, &["DBSIZE"]), "2\n", "{version:?}");
        let mut commit = Commit::new(Touch::new(at(1), at(100)));
        let write = FieldWrite::new(Bytes::from_static(b"2"));
        commit.set.push(("a.x".into(), write));
        let committed = store.commit(&kept, &commit, at(1)).await;
        assert!(committed.is_err(), "{version:?}: {committed:?}");
        let loaded = store.load(&kept, at(1)).await.unwrap();
        assert_eq!(loaded, Some(Loaded::Live(record(true))), "{version:?}");
        assert_eq!(store.delete(&kept, at(1)).await.unwrap(), None);
        assert_eq!(ask(&server, &["DBSIZE"]), "0\n", "{version:?}");
    }
}

fn record(is_indexed: bool) -> Record {
    let mut record = Record::new(at(0), at(100));
    let mut field = Field::new(Bytes::from_static(b"1"), 1);
    field.index = is_indexed.then(|| IndexKey::from_bytes([7; 32]));
    record.fields.insert("a.x".into(), field);
    record
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_unix_seconds(4_102_444_800 + second)
}
