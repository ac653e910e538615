//! The store contract as a suite that any [`Store`] can be put through.
//!
//! Each clause of the contract is one function of its own, named after it. A store is convicted by
//! a panic that names the clause, so the suite is called from an ordinary test:
//!
//! ```
//! use starsessions::MemoryStore;
//! use starsessions::testing::conformance;
//!
//! # async fn test() {
//! conformance::run(&MemoryStore::new()).await;
//! # }
//! ```
//!
//! The suite makes keys of its own at random, so it can run beside other tests on a shared server.
//! Time is an argument: the store is told the seconds of a far-off year, and no test waits.

#![expect(
    clippy::panic,
    reason = "a violated clause is reported by failing the test"
)]

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;

use crate::clock::Timestamp;
use crate::crypto::{self, IndexKey, RowKey};
use crate::record::{Commit, Field, FieldWrite, Forward, Record, Rotation, Touch};
use crate::store::{Committed, Created, Loaded, Rotated, Store, StoreError, Touched};

/// Puts a store through every clause.
///
/// # Panics
/// If the store violates one, with its name.
pub async fn run<S: Store>(store: &S) {
    what_is_created_is_loaded(store).await;
    create_never_replaces(store).await;
    nothing_but_create_inserts(store).await;
    an_expired_record_is_gone(store).await;
    a_commit_changes_what_it_names(store).await;
    a_failed_guard_changes_nothing(store).await;
    revisions_grow_with_commits(store).await;
    a_touch_moves_deadlines_only_forward(store).await;
    a_deleted_record_stays_deleted(store).await;
    a_rotation_moves_the_record(store).await;
    a_rotation_with_grace_leaves_the_way(store).await;
    a_rotation_expects_a_revision(store).await;
    an_index_finds_the_sessions_that_are_there(store).await;
    parallel_commits_lose_nothing(store).await;
    parallel_creates_have_one_winner(store).await;
    parallel_rotations_have_one_successor(store).await;
    a_dropped_operation_is_whole_or_not_at_all(store).await;
    a_sweep_frees_only_what_has_expired(store).await;
}

/// Clause 2: a record comes back as it went in, and names are compared byte by byte.
pub async fn what_is_created_is_loaded<S: Store>(store: &S) {
    const CLAUSE: &str = "what_is_created_is_loaded";
    let (key, mut record) = (new_key(), record());
    record.identified = true;
    record.remembered = true;
    let mut field = Field::new(Bytes::from_static(b"\0\xff binary \x1a"), 1);
    field.expires_at = Some(at(50));
    field.idle_at = Some(at(70));
    record.fields.insert("shop.Cart".into(), field);
    record
        .fields
        .insert("shop.cart".into(), Field::new(Bytes::new(), 1));
    expect(CLAUSE, store.load(&key, at(0)).await, &None);
    expect(
        CLAUSE,
        store.create(&key, &record, at(0)).await,
        &Created::Applied,
    );
    expect(
        CLAUSE,
        store.load(&key, at(1)).await,
        &Some(Loaded::Live(record)),
    );
    let mut neighbour = *key.as_bytes();
    neighbour[31] ^= 0x20;
    let neighbour = RowKey::from_bytes(neighbour);
    expect(CLAUSE, store.load(&neighbour, at(1)).await, &None);
}

/// Clause 1: a key that is taken stays with its record.
pub async fn create_never_replaces<S: Store>(store: &S) {
    const CLAUSE: &str = "create_never_replaces";
    let (key, first) = (new_key(), record_with("a.x", b"first"));
    let second = record_with("a.x", b"second");
    expect(
        CLAUSE,
        store.create(&key, &first, at(0)).await,
        &Created::Applied,
    );
    expect(
        CLAUSE,
        store.create(&key, &second, at(0)).await,
        &Created::Exists,
    );
    expect(
        CLAUSE,
        store.load(&key, at(0)).await,
        &Some(Loaded::Live(first)),
    );
}

/// Clause 1: commit, touch, rotate and delete of what is not there leave nothing behind.
pub async fn nothing_but_create_inserts<S: Store>(store: &S) {
    const CLAUSE: &str = "nothing_but_create_inserts";
    let (key, new) = (new_key(), new_key());
    let commit = commit_of("a.x", b"1");
    expect(
        CLAUSE,
        store.commit(&key, &commit, at(0)).await,
        &Committed::Gone,
    );
    let touch = Touch::new(at(0), at(100));
    expect(
        CLAUSE,
        store.touch(&key, &touch, at(0)).await,
        &Touched::Gone,
    );
    for expected in [None, Some(1)] {
        let rotation = Rotation::new(record(), expected);
        expect(
            CLAUSE,
            store.rotate(&key, &new, &rotation, at(0)).await,
            &Rotated::Gone,
        );
    }
    expect(CLAUSE, store.delete(&key, at(0)).await, &None);
    expect(CLAUSE, store.load(&key, at(0)).await, &None);
    expect(CLAUSE, store.load(&new, at(0)).await, &None);
}

/// Clause 3: at its last second a record is there, at the next it is gone to every operation.
pub async fn an_expired_record_is_gone<S: Store>(store: &S) {
    const CLAUSE: &str = "an_expired_record_is_gone";
    let (key, record) = (new_key(), record());
    expect(
        CLAUSE,
        store.create(&key, &record, at(0)).await,
        &Created::Applied,
    );
    let end = record.expires_at;
    let last = Timestamp::from_unix_seconds(end.as_unix_seconds() - 1);
    expect(
        CLAUSE,
        store.load(&key, last).await,
        &Some(Loaded::Live(record.clone())),
    );
    expect(CLAUSE, store.load(&key, end).await, &None);
    let commit = commit_of("a.x", b"1");
    expect(
        CLAUSE,
        store.commit(&key, &commit, end).await,
        &Committed::Gone,
    );
    let touch = Touch::new(end, end + Duration::from_secs(60));
    expect(CLAUSE, store.touch(&key, &touch, end).await, &Touched::Gone);
    let rotation = Rotation::new(record, None);
    expect(
        CLAUSE,
        store.rotate(&key, &new_key(), &rotation, end).await,
        &Rotated::Gone,
    );
    expect(CLAUSE, store.load(&key, end).await, &None);
}

/// Clause 4: fields that a commit does not name stay, whoever wrote them.
pub async fn a_commit_changes_what_it_names<S: Store>(store: &S) {
    const CLAUSE: &str = "a_commit_changes_what_it_names";
    let key = new_key();
    let mut before = record_with("a.kept", b"kept");
    let old = Field::new(Bytes::from_static(b"old"), 1);
    before.fields.insert("a.changed".into(), old.clone());
    before.fields.insert("a.removed".into(), old);
    expect(
        CLAUSE,
        store.create(&key, &before, at(0)).await,
        &Created::Applied,
    );
    let mut commit = commit_of("a.changed", b"new");
    let mut added = FieldWrite::new(Bytes::from_static(b"added"));
    added.expires_at = Some(at(30));
    added.idle_at = Some(at(20));
    commit.set.push(("b.added".into(), added));
    commit.remove = vec!["a.removed".into(), "a.never_there".into()];
    commit.touch = Touch::new(at(5), at(80));
    commit.remembered = Some(true);
    commit.identified = true;
    expect(
        CLAUSE,
        store.commit(&key, &commit, at(5)).await,
        &Committed::Applied(2),
    );
    let mut after = before;
    commit.apply(&mut after);
    expect(
        CLAUSE,
        store.load(&key, at(5)).await,
        &Some(Loaded::Live(after.clone())),
    );

    // From a request that has not seen the session being remembered and signed in.
    let commit = commit_of("a.late", b"3");
    expect(
        CLAUSE,
        store.commit(&key, &commit, at(6)).await,
        &Committed::Applied(3),
    );
    commit.apply(&mut after);
    if !(after.remembered && after.identified) {
        panic!("{CLAUSE}: a commit takes back what it does not name");
    }
    expect(
        CLAUSE,
        store.load(&key, at(6)).await,
        &Some(Loaded::Live(after)),
    );
}

/// Clause 5: all of a commit or nothing of it, and the conflict shows what is there.
pub async fn a_failed_guard_changes_nothing<S: Store>(store: &S) {
    const CLAUSE: &str = "a_failed_guard_changes_nothing";
    let (key, record) = (new_key(), record_with("a.x", b"1"));
    expect(
        CLAUSE,
        store.create(&key, &record, at(0)).await,
        &Created::Applied,
    );
    for guard in [("a.x", 0), ("a.x", 2), ("a.absent", 1)] {
        let mut commit = commit_of("a.y", b"2");
        commit.guards = vec![("a.x".into(), 1), (guard.0.into(), guard.1)];
        expect(
            CLAUSE,
            store.commit(&key, &commit, at(1)).await,
            &Committed::Conflict(record.clone()),
        );
        expect(
            CLAUSE,
            store.load(&key, at(1)).await,
            &Some(Loaded::Live(record.clone())),
        );
    }
    let mut commit = commit_of("a.y", b"2");
    commit.guards = vec![("a.x".into(), 1), ("a.absent".into(), 0)];
    expect(
        CLAUSE,
        store.commit(&key, &commit, at(1)).await,
        &Committed::Applied(2),
    );
}

/// Clause 6: a commit raises the revision and marks what it sets; a touch does neither.
pub async fn revisions_grow_with_commits<S: Store>(store: &S) {
    const CLAUSE: &str = "revisions_grow_with_commits";
    let (key, record) = (new_key(), record_with("a.x", b"1"));
    expect(
        CLAUSE,
        store.create(&key, &record, at(0)).await,
        &Created::Applied,
    );
    for revision in 2..5 {
        let commit = commit_of("a.y", b"2");
        expect(
            CLAUSE,
            store.commit(&key, &commit, at(1)).await,
            &Committed::Applied(revision),
        );
        let touch = Touch::new(at(2), at(100));
        expect(
            CLAUSE,
            store.touch(&key, &touch, at(2)).await,
            &Touched::Applied,
        );
        let record = live(CLAUSE, store.load(&key, at(2)).await);
        let revisions = ["a.x", "a.y"].map(|name| record.fields.get(name).map(|it| it.revision));
        if record.revision != revision || revisions != [Some(1), Some(revision)] {
            panic!("{CLAUSE}: {record:?}");
        }
    }
}

/// Clause 6: touches may arrive in any order.
pub async fn a_touch_moves_deadlines_only_forward<S: Store>(store: &S) {
    const CLAUSE: &str = "a_touch_moves_deadlines_only_forward";
    let (key, mut record) = (new_key(), record_with("a.x", b"1"));
    record
        .fields
        .update("a.x", |field| field.idle_at = Some(at(60)));
    expect(
        CLAUSE,
        store.create(&key, &record, at(0)).await,
        &Created::Applied,
    );
    let mut late = Touch::new(at(20), at(200));
    late.idle = vec![("a.x".into(), at(80)), ("a.gone".into(), at(80))];
    let mut early = Touch::new(at(10), at(150));
    early.idle = vec![("a.x".into(), at(70))];
    for touch in [&late, &early] {
        expect(
            CLAUSE,
            store.touch(&key, touch, at(20)).await,
            &Touched::Applied,
        );
    }
    late.apply(&mut record);
    expect(
        CLAUSE,
        store.load(&key, at(20)).await,
        &Some(Loaded::Live(record)),
    );
}

/// Clause 1: nothing that was under way brings a deleted record back.
pub async fn a_deleted_record_stays_deleted<S: Store>(store: &S) {
    const CLAUSE: &str = "a_deleted_record_stays_deleted";
    let (key, record) = (new_key(), record_with("a.x", b"1"));
    expect(
        CLAUSE,
        store.create(&key, &record, at(0)).await,
        &Created::Applied,
    );
    expect(CLAUSE, store.delete(&key, at(1)).await, &None);
    let commit = commit_of("a.x", b"2");
    expect(
        CLAUSE,
        store.commit(&key, &commit, at(1)).await,
        &Committed::Gone,
    );
    let touch = Touch::new(at(1), at(100));
    expect(
        CLAUSE,
        store.touch(&key, &touch, at(1)).await,
        &Touched::Gone,
    );
    let rotation = Rotation::new(record, Some(1));
    let new = new_key();
    expect(
        CLAUSE,
        store.rotate(&key, &new, &rotation, at(1)).await,
        &Rotated::Gone,
    );
    expect(CLAUSE, store.load(&key, at(1)).await, &None);
    expect(CLAUSE, store.load(&new, at(1)).await, &None);
    expect(CLAUSE, store.delete(&key, at(1)).await, &None);
}

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

/// The index follows commits, rotation, deletion and expiry.
pub async fn an_index_finds_the_sessions_that_are_there<S: Store>(store: &S) {
    const CLAUSE: &str = "an_index_finds_the_sessions_that_are_there";
    let (alice, bob) = (new_index(), new_index());
    let [phone, laptop, tablet] = [(); 3].map(|()| new_key());
    for key in [&phone, &laptop, &tablet] {
        let record = indexed_record(alice);
        expect(
            CLAUSE,
            store.create(key, &record, at(0)).await,
            &Created::Applied,
        );
    }
    expect_sessions(CLAUSE, store, alice, at(1), &[phone, laptop, tablet]).await;
    expect_sessions(CLAUSE, store, bob, at(1), &[]).await;

    // Another user signs in on the tablet.
    let mut commit = commit_of("login.user", b"bob");
    commit
        .set
        .iter_mut()
        .for_each(|(_, write)| write.index = Some(bob));
    expect(
        CLAUSE,
        store.commit(&tablet, &commit, at(1)).await,
        &Committed::Applied(2),
    );
    // The laptop gets a new id, and the phone is signed out.
    let renewed = new_key();
    let mut rotation = Rotation::new(indexed_record(alice), Some(1));
    rotation.forward = Some(Forward::new(Bytes::from_static(b"sealed"), at(30)));
    expect(
        CLAUSE,
        store.rotate(&laptop, &renewed, &rotation, at(1)).await,
        &Rotated::Applied,
    );
    expect(CLAUSE, store.delete(&phone, at(1)).await, &None);
    expect_sessions(CLAUSE, store, alice, at(2), &[renewed]).await;
    expect_sessions(CLAUSE, store, bob, at(2), &[tablet]).await;

    let mut commit = Commit::new(Touch::new(at(2), at(100)));
    commit.remove = vec!["login.user".into()];
    expect(
        CLAUSE,
        store.commit(&tablet, &commit, at(2)).await,
        &Committed::Applied(3),
    );
    expect_sessions(CLAUSE, store, bob, at(2), &[]).await;
    expect_sessions(CLAUSE, store, alice, at(100), &[]).await;
}

/// Clauses 4 and 5: writers of different fields, and guarded writers of the same one.
pub async fn parallel_commits_lose_nothing<S: Store>(store: &S) {
    const CLAUSE: &str = "parallel_commits_lose_nothing";
    let key = new_key();
    expect(
        CLAUSE,
        store
            .create(&key, &record_with("n.sum", b"\0"), at(0))
            .await,
        &Created::Applied,
    );
    let key = &key;
    all((0..WRITERS).map(|writer| async move {
        let name = format!("w.{writer}");
        let commit = commit_of(&name, &[writer]);
        if !matches!(
            store.commit(key, &commit, at(1)).await,
            Ok(Committed::Applied(_))
        ) {
            panic!("{CLAUSE}: an unguarded commit was not applied");
        }
        let mut seen = live(CLAUSE, store.load(key, at(1)).await);
        loop {
            let field = seen.fields.get("n.sum");
            let (sum, revision) = field.map_or((0, 0), |field| (field.value[0], field.revision));
            let mut commit = commit_of("n.sum", &[sum + 1]);
            commit.guards = vec![("n.sum".into(), revision)];
            match store.commit(key, &commit, at(1)).await {
                Ok(Committed::Applied(_)) => return,
                Ok(Committed::Conflict(theirs)) => seen = theirs,
                other => panic!("{CLAUSE}: {other:?}"),
            }
        }
    }))
    .await;
    let record = live(CLAUSE, store.load(key, at(1)).await);
    let sum = record.fields.get("n.sum").map(|field| field.value[0]);
    let kept = (0..WRITERS).all(|writer| {
        let field = record.fields.get(&format!("w.{writer}"));
        field.is_some_and(|field| *field.value == [writer])
    });
    if sum != Some(WRITERS) || !kept || record.revision != 1 + 2 * u64::from(WRITERS) {
        panic!("{CLAUSE}: {record:?}");
    }
}

/// Clause 1: of many creates under one key, one.
pub async fn parallel_creates_have_one_winner<S: Store>(store: &S) {
    const CLAUSE: &str = "parallel_creates_have_one_winner";
    let key = &new_key();
    let created = all((0..WRITERS).map(|writer| async move {
        let record = record_with("a.writer", &[writer]);
        matches!(
            store.create(key, &record, at(0)).await,
            Ok(Created::Applied)
        )
        .then_some(writer)
    }))
    .await;
    let winners: Vec<_> = created.into_iter().flatten().collect();
    let record = live(CLAUSE, store.load(key, at(0)).await);
    let stored = record.fields.get("a.writer").map(|field| field.value[0]);
    if winners.len() != 1 || stored != winners.first().copied() {
        panic!("{CLAUSE}: winners {winners:?}, stored {stored:?}");
    }
}

/// Of many rotations of one record, one; the others are led to it.
pub async fn parallel_rotations_have_one_successor<S: Store>(store: &S) {
    const CLAUSE: &str = "parallel_rotations_have_one_successor";
    let old = &new_key();
    expect(
        CLAUSE,
        store.create(old, &record(), at(0)).await,
        &Created::Applied,
    );
    let outcomes = all((0..WRITERS).map(|writer| async move {
        let new = new_key();
        let mut rotation = Rotation::new(record(), Some(1));
        let to = Bytes::copy_from_slice(&[writer]);
        rotation.forward = Some(Forward::new(to, at(30)));
        (writer, new, store.rotate(old, &new, &rotation, at(1)).await)
    }))
    .await;
    let mut applied = Vec::new();
    let mut moved = Vec::new();
    for (writer, new, outcome) in outcomes {
        match outcome {
            Ok(Rotated::Applied) => applied.push(writer),
            Ok(Rotated::Moved(forward)) => {
                moved.push(forward.to[0]);
                expect(CLAUSE, store.load(&new, at(1)).await, &None);
            }
            other => panic!("{CLAUSE}: {other:?}"),
        }
    }
    if applied.len() != 1 || moved.iter().any(|to| Some(to) != applied.first()) {
        panic!("{CLAUSE}: applied {applied:?}, the others led to {moved:?}");
    }
}

/// Clause 2: each operation is dropped at each of its await points.
pub async fn a_dropped_operation_is_whole_or_not_at_all<S: Store>(store: &S) {
    const CLAUSE: &str = "a_dropped_operation_is_whole_or_not_at_all";
    for polls in 0..MAX_POLLS {
        let key = new_key();
        let before = record_with("a.x", b"1");
        expect(
            CLAUSE,
            store.create(&key, &before, at(0)).await,
            &Created::Applied,
        );
        let mut commit = commit_of("a.x", b"2");
        commit
            .set
            .push(("a.y".into(), FieldWrite::new(Bytes::from_static(b"2"))));
        let was_finished = poll_times(store.commit(&key, &commit, at(1)), polls).await;
        let after = settled(CLAUSE, store, &key).await;
        let has_both = after.fields.get("a.y").is_some()
            && after.fields.get("a.x").is_some_and(|it| *it.value == *b"2");
        if !(has_both || after == before) {
            panic!("{CLAUSE}: half a commit after {polls} polls: {after:?}");
        }

        let new = new_key();
        let rotation = Rotation::new(after.clone(), Some(after.revision));
        poll_times(store.rotate(&key, &new, &rotation, at(1)), polls).await;
        let (old, new) = (
            store.load(&key, at(1)).await.ok().flatten(),
            store.load(&new, at(1)).await.ok().flatten(),
        );
        // A row that nobody has the key of may be left over, a lost one may not.
        if old.is_none() && new.is_none() {
            panic!("{CLAUSE}: the record was lost in a rotation dropped after {polls} polls");
        }
        if was_finished {
            return;
        }
    }
}

/// A sweep frees what has expired, in bounded steps, and nothing that was extended meanwhile.
pub async fn a_sweep_frees_only_what_has_expired<S: Store>(store: &S) {
    const CLAUSE: &str = "a_sweep_frees_only_what_has_expired";
    let (short, extended, long) = (new_key(), new_key(), new_key());
    let mut early = record();
    early.expires_at = at(10);
    for (key, record) in [(&short, &early), (&extended, &early), (&long, &record())] {
        expect(
            CLAUSE,
            store.create(key, record, at(0)).await,
            &Created::Applied,
        );
    }
    let touch = Touch::new(at(9), at(90));
    expect(
        CLAUSE,
        store.touch(&extended, &touch, at(9)).await,
        &Touched::Applied,
    );
    // Other tests may share the server: sweep until there is nothing left, with an end in sight.
    for _ in 0..MAX_SWEEPS {
        match store.sweep(SWEEP, at(40)).await {
            Ok(looked_at) if looked_at > SWEEP => {
                panic!("{CLAUSE}: {looked_at} looked at where {SWEEP} were asked for")
            }
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => panic!("{CLAUSE}: {error:?}"),
        }
    }
    expect(CLAUSE, store.load(&short, at(40)).await, &None);
    live(CLAUSE, store.load(&extended, at(40)).await);
    live(CLAUSE, store.load(&long, at(40)).await);
}

fn record() -> Record {
    Record::new(at(0), at(100))
}

fn record_with(name: &str, value: &[u8]) -> Record {
    let mut record = record();
    let field = Field::new(Bytes::copy_from_slice(value), 1);
    record.fields.insert(name.to_owned().into(), field);
    record
}

fn indexed_record(index: IndexKey) -> Record {
    let mut record = record_with("login.user", b"alice");
    let index_it = |field: &mut Field| field.index = Some(index);
    record.fields.update("login.user", index_it);
    record
}

async fn expect_sessions<S: Store>(
    clause: &str,
    store: &S,
    index: IndexKey,
    now: Timestamp,
    expected: &[RowKey],
) {
    let mut found: Vec<_> = match store.sessions_of(&index, now).await {
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

fn commit_of(name: &str, value: &[u8]) -> Commit {
    let mut commit = Commit::new(Touch::new(at(1), at(100)));
    let write = FieldWrite::new(Bytes::copy_from_slice(value));
    commit.set.push((name.to_owned().into(), write));
    commit
}

/// The year 2100: later than any server's own clock, so that none of them expires a record by it.
fn at(second: u64) -> Timestamp {
    Timestamp::from_unix_seconds(4_102_444_800 + second)
}

fn new_key() -> RowKey {
    match crypto::random_bytes() {
        Ok(bytes) => RowKey::from_bytes(bytes),
        Err(error) => panic!("{error}"),
    }
}

fn new_index() -> IndexKey {
    IndexKey::from_bytes(*new_key().as_bytes())
}

#[track_caller]
fn expect<T: PartialEq + std::fmt::Debug>(
    clause: &str,
    found: Result<T, StoreError>,
    expected: &T,
) {
    match found {
        Ok(found) if found == *expected => {}
        Ok(found) => panic!("{clause}: expected {expected:?}, found {found:?}"),
        Err(error) => panic!("{clause}: expected {expected:?}, found the error {error:?}"),
    }
}

#[track_caller]
fn live(clause: &str, found: Result<Option<Loaded>, StoreError>) -> Record {
    match found {
        Ok(Some(Loaded::Live(record))) => record,
        other => panic!("{clause}: expected a record, found {other:?}"),
    }
}

/// The record once an operation that was dropped has come to rest: a server may still be at it.
async fn settled<S: Store>(clause: &str, store: &S, key: &RowKey) -> Record {
    let mut before = live(clause, store.load(key, at(1)).await);
    for _ in 0..3 {
        tokio::task::yield_now().await;
        let after = live(clause, store.load(key, at(1)).await);
        if after == before {
            return after;
        }
        before = after;
    }
    before
}

/// Polls a future so many times and drops it; returns whether it had finished.
async fn poll_times(future: impl Future, polls: usize) -> bool {
    let mut future = std::pin::pin!(future);
    for _ in 0..polls {
        let poll = std::future::poll_fn(|cx| std::task::Poll::Ready(future.as_mut().poll(cx)));
        if poll.await.is_ready() {
            return true;
        }
        tokio::task::yield_now().await;
    }
    false
}

/// Runs futures at the same time, on one task.
async fn all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|cx| {
        let mut is_done = true;
        for (future, output) in &mut running {
            if output.is_none() {
                match future.as_mut().poll(cx) {
                    std::task::Poll::Ready(value) => *output = Some(value),
                    std::task::Poll::Pending => is_done = false,
                }
            }
        }
        if is_done {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    running
        .into_iter()
        .filter_map(|(_, output)| output)
        .collect()
}

const WRITERS: u8 = 32;
const MAX_POLLS: usize = 64;
const SWEEP: usize = 16;
const MAX_SWEEPS: usize = 10_000;
