//! The columns and tables that an operation writes, tested with triggers that forbid writes.

use std::sync::Arc;

use rusqlite::Connection;
use starsessions::SqliteStore;
use starsessions::store::StoreError;
use starsessions::store::{Inserted, Listing, Replaced, Rotated, Rotation, Store};
use starsessions_tests::servers::Folder;
use tokio::task::JoinSet;

use super::{at, index, key, next, row};

/// A store with the row number 1, and a separate connection.
async fn with_a_row(folder: &Folder) -> (SqliteStore, Connection) {
    let path = folder.join("sessions.db");
    let store = SqliteStore::open(&path).unwrap();
    store.insert(&key(1), &row(1), at(0)).await.unwrap();
    (store, Connection::open(&path).unwrap())
}

fn forbid(database: &Connection, what: &str) {
    let trigger = format!(
        "CREATE TRIGGER \"no {what}\" BEFORE {what} BEGIN SELECT RAISE(ABORT, 'forbidden'); END"
    );
    database.execute_batch(&trigger).unwrap();
}

#[tokio::test]
async fn a_replace_leaves_the_index_alone_unless_the_index_keys_change() {
    let folder = Folder::new();
    let (store, database) = with_a_row(&folder).await;
    forbid(&database, "INSERT ON session_index");
    forbid(&database, "DELETE ON session_index");
    let mut second = next(&row(1), *b"second");
    second.listing = Some(Arc::new(Listing::new(vec![index()], *b"another card")));
    let replaced = store.replace(&key(1), &row(1), &second, at(1)).await;
    assert_eq!(replaced.unwrap(), Replaced::Replaced);

    let mut third = next(&second, *b"third");
    third.listing = None;
    let refused = store.replace(&key(1), &second, &third, at(1)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))));
    let found = store.load(&key(1), at(1)).await.unwrap();
    assert_eq!(found, Some(second), "the row goes with its index keys");
}

#[tokio::test]
async fn a_rotation_that_fails_halfway_changes_nothing() {
    let folder = Folder::new();
    let (store, database) = with_a_row(&folder).await;
    forbid(&database, "UPDATE ON sessions");
    let mut left = next(&row(1), *b"the way to the other key");
    left.listing = None;
    let (old, new, seen) = (key(1), key(2), row(1));
    let moved = next(&seen, *b"moved");
    let rotation = Rotation::new(&old, &seen, &left, &new, &moved);
    let refused = store.rotate(rotation, at(1)).await;
    assert!(matches!(refused, Err(StoreError::Unavailable(_))));
    let found = store.load(&key(1), at(1)).await.unwrap();
    assert_eq!(found, Some(row(1)));
    assert_eq!(store.load(&key(2), at(1)).await.unwrap(), None);
    assert_eq!(store.listed(&index(), at(1)).await.unwrap().len(), 1);

    database
        .execute_batch("DROP TRIGGER \"no UPDATE ON sessions\"")
        .unwrap();
    let rotated = store.rotate(rotation, at(1)).await;
    assert_eq!(rotated.unwrap(), Rotated::Rotated);
}

/// A full disk causes such an error.
#[tokio::test]
async fn an_error_that_ends_a_transaction_is_told_to_all_whose_work_it_has_undone() {
    let folder = Folder::new();
    let (store, database) = with_a_row(&folder).await;
    let trigger = "CREATE TRIGGER full BEFORE INSERT ON sessions WHEN NEW.revision = 9
        BEGIN SELECT RAISE(ROLLBACK, 'no room'); END";
    database.execute_batch(trigger).unwrap();
    let mut inserts = JoinSet::new();
    for number in 2..20 {
        let store = store.clone();
        let mut row = row(number);
        row.revision = number.into();
        inserts.spawn(async move { (number, store.insert(&key(number), &row, at(0)).await) });
    }
    for (number, inserted) in inserts.join_all().await {
        let found = store.load(&key(number), at(1)).await.unwrap();
        match inserted {
            Ok(inserted) => assert_eq!((inserted, found.is_some()), (Inserted::Inserted, true)),
            Err(StoreError::Unavailable(source)) => {
                assert_eq!((source.to_string(), found), ("no room".to_owned(), None));
            }
            Err(other) => panic!("{other:?}"),
        }
    }
    let inserted = store.insert(&key(9), &row(9), at(0)).await;
    assert_eq!(inserted.unwrap(), Inserted::Inserted);
}
