//! Clauses 4 to 6: what a commit changes, and what a touch does not.

use bytes::Bytes;

use super::{at, commit_of, expect, live, new_key, record_with};
use crate::record::{Field, FieldWrite, Touch};
use crate::store::{Committed, Created, Loaded, Store, Touched};

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
