//! Many at once, also from several processes.

use bytes::Bytes;
use starsessions::SqliteStore;
use starsessions::store::{Commit, Committed, Created, FieldWrite, Loaded, Store, Touch};
use starsessions::testing::conformance;
use starsessions_tests::servers::Folder;

use super::{at, key, record};

/// As two processes have it: two stores with connections of their own.
fn two_on_one_file(folder: &Folder) -> [SqliteStore; 2] {
    [(); 2].map(|()| SqliteStore::open(folder.join("sessions.db")).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_creates_at_once_all_succeed() {
    let folder = Folder::new();
    let stores = two_on_one_file(&folder);
    let creates: Vec<_> = (0..64)
        .map(|number| {
            let store = stores[number as usize % 2].clone();
            tokio::spawn(async move { store.create(&key(number), &record(number), at(0)).await })
        })
        .collect();
    for create in creates {
        assert_eq!(create.await.unwrap().unwrap(), Created::Applied);
    }
    for number in 0..64 {
        let loaded = stores[0].load(&key(number), at(1)).await.unwrap();
        assert_eq!(loaded, Some(Loaded::Live(record(number))));
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

/// What one was told is there, the other sees at once; and no change of either is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_see_and_keep_each_others_changes() {
    let folder = Folder::new();
    let stores = two_on_one_file(&folder);
    stores[0].create(&key(1), &record(1), at(0)).await.unwrap();
    let writers: Vec<_> = (0..32_u64)
        .map(|number| {
            let [own, other] = [number, number + 1].map(|i| stores[i as usize % 2].clone());
            tokio::spawn(async move {
                let name = format!("w.{number}");
                let mut commit = Commit::new(Touch::new(at(1), at(100)));
                let write = FieldWrite::new(Bytes::from_static(b"1"));
                commit.set.push((name.clone().into(), write));
                let committed = own.commit(&key(1), &commit, at(1)).await.unwrap();
                assert!(matches!(committed, Committed::Applied(_)));
                let Some(Loaded::Live(seen)) = other.load(&key(1), at(1)).await.unwrap() else {
                    panic!("the session is lost");
                };
                assert!(seen.fields.get(&name).is_some(), "{name} is not seen");
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let Some(Loaded::Live(end)) = stores[0].load(&key(1), at(1)).await.unwrap() else {
        panic!("the session is lost");
    };
    assert_eq!((end.fields.len(), end.revision), (33, 33));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_handed_over_is_done_when_the_store_is_closed_or_dropped() {
    let folder = Folder::new();
    let path = folder.join("sessions.db");
    for (round, is_closed) in [(0, true), (1, false)] {
        let store = SqliteStore::open(&path).unwrap();
        let creates: Vec<_> = (0..32)
            .map(|number| {
                let (store, number) = (store.clone(), round * 100 + number);
                tokio::spawn(
                    async move { store.create(&key(number), &record(number), at(0)).await },
                )
            })
            .collect();
        let mut done = Vec::new();
        for create in creates {
            done.push(create.await.unwrap().unwrap());
        }
        assert!(done.iter().all(|created| *created == Created::Applied));
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
