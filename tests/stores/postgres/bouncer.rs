//! Behind PgBouncer, whose clients share a few connections from statement to statement.

use bytes::Bytes;
use sqlx::postgres::PgPoolOptions;
use starsessions::Timestamp;
use starsessions::store::{
    Commit, Committed, Created, FieldWrite, Loaded, Record, RowKey, Store, Touch,
};
use starsessions::testing::conformance;
use starsessions_tests::servers::postgres;

use super::{Database, POSTGRES, migrated};

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_contract_behind_a_bouncer() {
    let bouncer = postgres::pgbouncer(&POSTGRES, 3);
    let pool = PgPoolOptions::new().max_connections(16);
    let options = Database::new().await.options.port(bouncer.port());
    let store = migrated(pool.connect_with(options).await.unwrap()).await;
    conformance::run(&store).await;

    // Each visitor gets what belongs to them, whoever's connection it is that asks.
    let visitors = (0..32).map(|number| {
        let store = store.clone();
        tokio::spawn(async move { visit(&store, number).await })
    });
    for visitor in visitors.collect::<Vec<_>>() {
        visitor.await.unwrap();
    }
}

async fn visit<S: Store>(store: &S, number: u8) {
    let now = Timestamp::from_unix_seconds(1);
    let end = Timestamp::from_unix_seconds(9);
    let key = RowKey::from_bytes([number; 32]);
    let mut record = Record::new(now, end);
    let created = store.create(&key, &record, now).await.unwrap();
    assert_eq!(created, Created::Applied);
    for turn in 0..30 {
        let mut commit = Commit::new(Touch::new(now, end));
        let write = FieldWrite::new(Bytes::copy_from_slice(&[number, turn]));
        commit.set.push(("a.own".into(), write));
        let committed = store.commit(&key, &commit, now).await.unwrap();
        commit.apply(&mut record);
        assert_eq!(committed, Committed::Applied(record.revision));
        let loaded = store.load(&key, now).await.unwrap();
        assert_eq!(loaded, Some(Loaded::Live(record.clone())));
    }
}
