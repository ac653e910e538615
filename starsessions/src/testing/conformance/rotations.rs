//! A record that moves to a new key.

use bytes::Bytes;

use super::{at, commit_of, expect, live, new_key, record, record_with};
use crate::record::{Forward, Rotation, Touch};
use crate::store::{Committed, Created, Loaded, Rotated, Store, Touched};

/// A rotation without grace: one operation, and the old key is dead.
pub async fn a_rotation_moves_the_record<S: Store>(store: &S) {
    const CLAUSE: &str = "a_rotation_moves_the_record";
    let (old, new) = (new_key(), new_key());
    expect(
        CLAUSE,
        store.create(&old, &record_with("a.x", b"1"), at(0)).await,
        &Created::Applied,
    );
    let mut after = record_with("a.x", b"2");
    after.revision = 2;
    let rotation = Rotation::new(after.clone(), Some(1));
    expect(
        CLAUSE,
        store.rotate(&old, &new, &rotation, at(1)).await,
        &Rotated::Applied,
    );
    expect(CLAUSE, store.load(&old, at(1)).await, &None);
    expect(
        CLAUSE,
        store.load(&new, at(1)).await,
        &Some(Loaded::Live(after.clone())),
    );
    let late = commit_of("a.x", b"late");
    expect(
        CLAUSE,
        store.commit(&old, &late, at(1)).await,
        &Committed::Gone,
    );
    // A key that is taken is not rotated onto.
    let taken = new_key();
    expect(
        CLAUSE,
        store.create(&taken, &record(), at(1)).await,
        &Created::Applied,
    );
    expect(
        CLAUSE,
        store
            .rotate(&new, &taken, &Rotation::new(record(), None), at(1))
            .await,
        &Rotated::Exists,
    );
    expect(
        CLAUSE,
        store.load(&new, at(1)).await,
        &Some(Loaded::Live(after)),
    );
}

/// A rotation with grace: the old key leads to the new one, for so long and no longer.
pub async fn a_rotation_with_grace_leaves_the_way<S: Store>(store: &S) {
    const CLAUSE: &str = "a_rotation_with_grace_leaves_the_way";
    let (old, new) = (new_key(), new_key());
    let record = record_with("a.x", b"1");
    expect(
        CLAUSE,
        store.create(&old, &record, at(0)).await,
        &Created::Applied,
    );
    let forward = Forward::new(Bytes::from_static(b"sealed"), at(31));
    let mut rotation = Rotation::new(record.clone(), Some(1));
    rotation.forward = Some(forward.clone());
    expect(
        CLAUSE,
        store.rotate(&old, &new, &rotation, at(1)).await,
        &Rotated::Applied,
    );
    expect(
        CLAUSE,
        store.load(&old, at(30)).await,
        &Some(Loaded::Moved(forward.clone())),
    );
    let commit = commit_of("a.x", b"2");
    expect(
        CLAUSE,
        store.commit(&old, &commit, at(30)).await,
        &Committed::Moved(forward.clone()),
    );
    expect(
        CLAUSE,
        store.rotate(&old, &new_key(), &rotation, at(30)).await,
        &Rotated::Moved(forward.clone()),
    );
    let touch = Touch::new(at(30), at(100));
    expect(
        CLAUSE,
        store.touch(&old, &touch, at(30)).await,
        &Touched::Gone,
    );
    expect(CLAUSE, store.load(&old, at(31)).await, &None);
    expect(
        CLAUSE,
        store.commit(&old, &commit, at(31)).await,
        &Committed::Gone,
    );
    expect(
        CLAUSE,
        store.load(&new, at(31)).await,
        &Some(Loaded::Live(record.clone())),
    );

    let (old, new) = (new_key(), new_key());
    expect(
        CLAUSE,
        store.create(&old, &record, at(0)).await,
        &Created::Applied,
    );
    expect(
        CLAUSE,
        store.rotate(&old, &new, &rotation, at(1)).await,
        &Rotated::Applied,
    );
    expect(CLAUSE, store.delete(&old, at(2)).await, &Some(forward));
    expect(CLAUSE, store.load(&old, at(2)).await, &None);
}

/// A record that another request has changed is not rotated over its changes.
pub async fn a_rotation_expects_a_revision<S: Store>(store: &S) {
    const CLAUSE: &str = "a_rotation_expects_a_revision";
    let (old, new) = (new_key(), new_key());
    let before = record_with("a.x", b"1");
    expect(
        CLAUSE,
        store.create(&old, &before, at(0)).await,
        &Created::Applied,
    );
    let commit = commit_of("a.y", b"2");
    expect(
        CLAUSE,
        store.commit(&old, &commit, at(1)).await,
        &Committed::Applied(2),
    );
    let now = live(CLAUSE, store.load(&old, at(1)).await);
    let rotation = Rotation::new(before.clone(), Some(1));
    expect(
        CLAUSE,
        store.rotate(&old, &new, &rotation, at(1)).await,
        &Rotated::Conflict(now.clone()),
    );
    expect(
        CLAUSE,
        store.load(&old, at(1)).await,
        &Some(Loaded::Live(now)),
    );
    expect(CLAUSE, store.load(&new, at(1)).await, &None);
    // Without an expectation it ends whatever the record has become.
    let rotation = Rotation::new(before, None);
    expect(
        CLAUSE,
        store.rotate(&old, &new, &rotation, at(1)).await,
        &Rotated::Applied,
    );
}
