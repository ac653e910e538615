//! Parallel operations, also from several processes.

use std::sync::Arc;
use std::thread;

use http::StatusCode;
use rusqlite::Connection;
use starsessions::SqliteStore;
use starsessions::store::{IndexKey, Inserted, Listing, Replaced, Row, Store};
use starsessions::testing::conformance;
use starsessions_tests::logs::Logs;
use starsessions_tests::servers::Folder;
use starsessions_tests::shop;
use starsessions_tests::site::Site;

use super::{at, index, key, next, row};

/// Two stores with separate connections, as in two processes.
fn two_on_one_file(folder: &Folder) -> [SqliteStore; 2] {
    [(); 2].map(|()| SqliteStore::open(folder.join("sessions.db")).unwrap())
}

#[test]
fn stores_that_open_a_new_file_at_once_all_succeed() {
    for _ in 0..20 {
        let folder = Folder::new();
        let path = folder.join("sessions.db");
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| SqliteStore::open(&path).unwrap());
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_inserts_at_once_all_succeed() {
    let folder = Folder::new();
    let stores = two_on_one_file(&folder);
    let inserts: Vec<_> = (0..64)
        .map(|number| {
            let store = stores[number as usize % 2].clone();
            tokio::spawn(async move { store.insert(&key(number), &row(number), at(0)).await })
        })
        .collect();
    for insert in inserts {
        assert_eq!(insert.await.unwrap().unwrap(), Inserted::Inserted);
    }
    for number in 0..64 {
        let loaded = stores[0].load(&key(number), at(1)).await.unwrap();
        assert_eq!(loaded, Some(row(number)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_keep_the_contract_beside_each_other() {
    let folder = Folder::new();
    let [one, other] = two_on_one_file(&folder);
    let runs =
        [one, other].map(|store| tokio::spawn(async move { conformance::run(&store).await }));
    for run in runs {
        run.await.unwrap();
    }
}

/// Each store immediately sees the acknowledged writes of the other, and no change is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_see_and_keep_each_others_changes() {
    let folder = Folder::new();
    let stores = two_on_one_file(&folder);
    stores[0].insert(&key(1), &row(1), at(0)).await.unwrap();
    let writers: Vec<_> = (100..132_u8)
        .map(|number| {
            let [own, other] = [number, number + 1].map(|i| stores[i as usize % 2].clone());
            tokio::spawn(async move {
                append(&own, number).await;
                let seen = other.load(&key(1), at(1)).await.unwrap().unwrap();
                assert!(seen.value.contains(&number), "{number} is not seen");
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let end = stores[0].load(&key(1), at(1)).await.unwrap().unwrap();
    assert_eq!((end.value.len(), end.revision), (4 + 32, 33));
}

/// Appends a byte to the row, with retries until no other writer interferes.
async fn append(store: &SqliteStore, byte: u8) {
    let mut seen = store.load(&key(1), at(1)).await.unwrap().unwrap();
    loop {
        let row = next(&seen, [&seen.value[..], &[byte]].concat());
        match store.replace(&key(1), &seen, &row, at(1)).await.unwrap() {
            Replaced::Replaced => return,
            Replaced::Stale(found) => seen = found,
            Replaced::Gone => panic!("the session is lost"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_handed_over_is_done_when_the_store_is_closed_or_dropped() {
    let folder = Folder::new();
    let path = folder.join("sessions.db");
    for (round, is_closed) in [(0, true), (1, false)] {
        let store = SqliteStore::open(&path).unwrap();
        let inserts: Vec<_> = (0..32)
            .map(|number| {
                let (store, number) = (store.clone(), round * 100 + number);
                tokio::spawn(async move { store.insert(&key(number), &row(number), at(0)).await })
            })
            .collect();
        let mut done = Vec::new();
        for insert in inserts {
            done.push(insert.await.unwrap().unwrap());
        }
        assert!(done.iter().all(|inserted| *inserted == Inserted::Inserted));
        if is_closed {
            store.close().await;
            store.close().await;
            assert!(store.load(&key(0), at(1)).await.is_err(), "it is closed");
        }
        drop(store);
        let again = SqliteStore::open(&path).unwrap();
        for number in 0..32 {
            let loaded = again.load(&key(round * 100 + number), at(1)).await.unwrap();
            assert!(loaded.is_some(), "{number}");
        }
    }
}

/// The `sqlite3` command ignores foreign keys by default.
#[tokio::test]
async fn what_an_operator_has_deleted_blocks_no_sign_in_and_lists_no_other_user() {
    let folder = Folder::new();
    let path = folder.join("sessions.db");
    let store = SqliteStore::open(&path).unwrap();
    let database = Connection::open(&path).unwrap();
    database.pragma_update(None, "foreign_keys", false).unwrap();
    let delete = || database.execute("DELETE FROM sessions", []).unwrap();
    store.insert(&key(1), &row(1), at(0)).await.unwrap();
    delete();
    // The user's next session reuses the row number of the deleted session, and so does the guest's session after that.
    let inserted = store.insert(&key(2), &row(2), at(0)).await;
    assert_eq!(inserted.unwrap(), Inserted::Inserted);
    delete();
    let guest = Row::new(*b"guest", at(0), at(100));
    store.insert(&key(3), &guest, at(0)).await.unwrap();
    assert_eq!(store.listed(&index(), at(1)).await.unwrap(), []);
    delete();
    let mut other = row(4);
    let theirs = IndexKey::from_bytes([8; IndexKey::LEN]);
    other.listing = Some(Arc::new(Listing::new(vec![theirs], *b"card")));
    store.insert(&key(4), &other, at(0)).await.unwrap();
    assert_eq!(store.listed(&index(), at(1)).await.unwrap(), []);
    assert_eq!(store.listed(&theirs, at(1)).await.unwrap().len(), 1);
}

/// SQLite gives up before the layer does, so its reason is in the log.
#[tokio::test]
async fn a_lock_that_another_program_keeps_is_named_in_the_log() {
    let folder = Folder::new();
    let path = folder.join("sessions.db");
    let site = Site::on(SqliteStore::open(&path).unwrap());
    let neighbour = Connection::open(&path).unwrap();
    neighbour.execute_batch("BEGIN IMMEDIATE").unwrap();
    let logs = Logs::capture();
    let reply = site.serve(shop::routes()).post("/login/7").await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    let said = ["the session store failed", "database is locked"];
    assert_eq!(logs.with(&said).len(), 1, "{}", logs.text());
}
