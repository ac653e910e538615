//! Many at once, and operations that are dropped half way.

use std::future::Future;

use bytes::Bytes;

use super::{at, commit_of, expect, live, new_key, record, record_with};
use crate::crypto::RowKey;
use crate::record::{FieldWrite, Forward, Record, Rotation};
use crate::store::{Committed, Created, Rotated, Store};

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
