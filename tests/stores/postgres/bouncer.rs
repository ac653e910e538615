//! The store behind PgBouncer, which assigns a few connections to clients statement by statement.

use sqlx::postgres::PgPoolOptions;
use starsessions::store::{Inserted, Replaced, Store};
use starsessions::testing::conformance;
use starsessions_tests::servers::postgres;

use super::{Database, POSTGRES, migrated};
use crate::sql::{after, at, key, row};

#[tokio::test(flavor = "multi_thread")]
async fn keeps_the_contract_behind_a_bouncer() {
    let bouncer = postgres::pgbouncer(&POSTGRES, 3);
    let pool = PgPoolOptions::new().max_connections(16);
    let options = Database::new().await.options.port(bouncer.port());
    let store = migrated(pool.connect_with(options).await.unwrap()).await;
    conformance::run(&store).await;

    // Each visitor gets its own rows over shared connections.
    let visitors = (0..32).map(|number| {
        let store = store.clone();
        tokio::spawn(async move { visit(&store, number).await })
    });
    for visitor in visitors.collect::<Vec<_>>() {
        visitor.await.unwrap();
    }
}

async fn visit<S: Store>(store: &S, number: u8) {
    let key = key(number.into());
    let mut row = row(&[number]);
    let inserted = store.insert(&key, &row, at(0)).await.unwrap();
    assert_eq!(inserted, Inserted::Inserted);
    for turn in 0..30 {
        let next = after(&row, &[number, turn]);
        let replaced = store.replace(&key, &row, &next, at(1)).await.unwrap();
        assert_eq!(replaced, Replaced::Replaced);
        assert_eq!(store.load(&key, at(1)).await.unwrap().as_ref(), Some(&next));
        row = next;
    }
}
