//! Sessions that are found by a value.

use bytes::Bytes;

use super::{at, commit_of, expect, new_key, record_with};
use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};
use crate::record::{Commit, Field, Forward, Record, Rotation, Touch};
use crate::store::{Committed, Created, Rotated, Store};

/// The index follows commits, rotation, deletion and expiry.
pub async fn an_index_finds_the_sessions_that_are_there<S: Store>(store: &S) {
    const CLAUSE: &str = "an_index_finds_the_sessions_that_are_there";
    let (alice, bob) = (new_index(), new_index());
    let [phone, laptop, tablet] = [(); 3].map(|()| new_key());
    for key in [&phone, &laptop, &tablet] {
        let record = indexed_record(&alice);
        expect(
            CLAUSE,
            store.create(key, &record, at(0)).await,
            &Created::Applied,
        );
    }
    expect_sessions(CLAUSE, store, &alice, at(1), &[phone, laptop, tablet]).await;
    expect_sessions(CLAUSE, store, &bob, at(1), &[]).await;

    // Another user signs in on the tablet.
    let mut commit = commit_of("login.user", b"bob");
    commit
        .set
        .iter_mut()
        .for_each(|(_, write)| write.index = Some(bob.clone()));
    expect(
        CLAUSE,
        store.commit(&tablet, &commit, at(1)).await,
        &Committed::Applied(2),
    );
    // The laptop gets a new id, and the phone is signed out.
    let renewed = new_key();
    let mut rotation = Rotation::new(indexed_record(&alice), Some(1));
    rotation.forward = Some(Forward::new(Bytes::from_static(b"sealed"), at(30)));
    expect(
        CLAUSE,
        store.rotate(&laptop, &renewed, &rotation, at(1)).await,
        &Rotated::Applied,
    );
    expect(CLAUSE, store.delete(&phone, at(1)).await, &None);
    expect_sessions(CLAUSE, store, &alice, at(2), &[renewed]).await;
    expect_sessions(CLAUSE, store, &bob, at(2), &[tablet]).await;

    let mut commit = Commit::new(Touch::new(at(2), at(100)));
    commit.remove = vec!["login.user".into()];
    expect(
        CLAUSE,
        store.commit(&tablet, &commit, at(2)).await,
        &Committed::Applied(3),
    );
    expect_sessions(CLAUSE, store, &bob, at(2), &[]).await;
    expect_sessions(CLAUSE, store, &alice, at(100), &[]).await;
}

fn indexed_record(index: &IndexKey) -> Record {
    let mut record = record_with("login.user", b"alice");
    let index_it = |field: &mut Field| field.index = Some(index.clone());
    record.fields.update("login.user", index_it);
    record
}

async fn expect_sessions<S: Store>(
    clause: &str,
    store: &S,
    index: &IndexKey,
    now: Timestamp,
    expected: &[RowKey],
) {
    let mut found: Vec<_> = match store.sessions_of(index, now).await {
        Ok(sessions) => sessions.into_iter().map(|(key, _)| key).collect(),
        Err(error) => panic!("{clause}: {error:?}"),
    };
    let mut expected = expected.to_vec();
    found.sort();
    expected.sort();
    if found != expected {
        panic!("{clause}: expected {expected:?}, found {found:?}");
    }
}

fn new_index() -> IndexKey {
    IndexKey::from_bytes(*new_key().as_bytes())
}
