//! Clause 3: a row whose deadline has passed.

use super::trial::{Trial, after, at, filed_row, new_index_key, new_key, row, touch, until};
use crate::store::{IndexKey, Inserted, Replaced, Row, RowKey, Store, Touched};

/// In its last second a row exists; in the next second it is gone for every operation.
pub async fn an_expired_row_is_gone<S: Store>(store: &S) {
    let trial = Trial::new("an_expired_row_is_gone", store);
    let (key, index_key) = (new_key(), new_index_key());
    let expired = short_lived(b"expired", index_key);
    trial.insert(&key, &expired).await;
    trial.holds(&key, at(19), &expired).await;
    trial.lists(&index_key, at(19), &[(&key, &expired)]).await;

    trial.holds_remains_at_most(&key, at(20), &expired).await;
    trial.lists(&index_key, at(20), &[]).await;
    let late = until(220, after(&expired, b"late"));
    trial.changes_nothing(&key, [&expired, &late], at(20)).await;
    trial.holds_remains_at_most(&key, at(20), &expired).await;
    trial.lists(&index_key, at(20), &[]).await;
}

/// An insert replaces a row that has expired, and its listing.
pub async fn an_expired_row_gives_up_its_place<S: Store>(store: &S) {
    let trial = Trial::new("an_expired_row_gives_up_its_place", store);
    let (key, before, after) = (new_key(), new_index_key(), new_index_key());
    trial.insert(&key, &short_lived(b"expired", before)).await;
    let next = Row {
        last_seen: at(20),
        ..until(220, filed_row(b"next", &[after]))
    };
    let inserted = store.insert(&key, &next, at(20)).await;
    trial.says(inserted, &Inserted::Inserted);
    trial.holds(&key, at(21), &next).await;
    // Also for a request whose clock is behind.
    trial.lists(&before, at(1), &[]).await;
    trial.lists(&after, at(21), &[(&key, &next)]).await;
}

/// A session ends if a row whose deadline has passed replaces it, unless another request has written meanwhile.
pub async fn a_row_that_ends_as_it_is_written_is_gone<S: Store>(store: &S) {
    let trial = Trial::new("a_row_that_ends_as_it_is_written_is_gone", store);
    let (key, index_key) = (new_key(), new_index_key());
    let first = filed_row(b"first", &[index_key]);
    trial.insert(&key, &first).await;
    let mut end = row(b"end");
    (end.last_seen, end.deadline) = (at(20), at(20));
    end.revision = first.revision + 1;
    let replaced = store.replace(&key, &first, &end, at(20)).await;
    trial.says(replaced, &Replaced::Replaced);
    trial.holds_remains_at_most(&key, at(20), &end).await;
    trial.lists(&index_key, at(20), &[]).await;
    trial.changes_nothing(&key, [&first, &end], at(20)).await;
    let inserted = store.insert(&key, &first, at(20)).await;
    trial.says(inserted, &Inserted::Inserted);
    trial.lists(&index_key, at(20), &[(&key, &first)]).await;
}

/// A sweep frees expired rows, in bounded steps, and no row that was extended meanwhile.
pub async fn a_sweep_frees_only_what_has_expired<S: Store>(store: &S) {
    let trial = Trial::new("a_sweep_frees_only_what_has_expired", store);
    let (short, long) = (new_key(), new_key());
    let early = until(10, row(b"early"));
    trial.insert(&short, &early).await;
    trial.insert(&long, &row(b"long")).await;
    let (extended, late) = extended_in_time(&trial, &early).await;
    // Other tests may share the server, so there may be more rows to sweep, but not endlessly many.
    let mut sweeps = 0;
    loop {
        match store.sweep(SWEEP, at(11)).await {
            Ok(looked_at) if looked_at < SWEEP => break,
            Ok(SWEEP) if sweeps < MOST_SWEEPS => sweeps += 1,
            other => trial.fails(&format_args!(
                "sweep {sweeps} of {SWEEP} rows ended in {other:?}"
            )),
        }
    }
    trial.holds_remains_at_most(&short, at(11), &early).await;
    trial.holds(&extended, at(11), &late).await;
    trial.holds(&long, at(11), &row(b"long")).await;
    // The remains of an expired row do not block a new one.
    let again = until(90, row(b"again"));
    let inserted = store.insert(&short, &again, at(11)).await;
    trial.says(inserted, &Inserted::Inserted);
}

/// Inserts a row and touches it. If another run of the suite shares the store, its sweep may come in between.
async fn extended_in_time<S: Store>(trial: &Trial<'_, S>, early: &Row) -> (RowKey, Row) {
    let extension = touch(9, 90);
    for _ in 0..MOST_TRIES {
        let key = new_key();
        trial.insert(&key, early).await;
        match trial.store.touch(&key, early, extension, at(1)).await {
            Ok(Touched::Touched) => {
                let mut late = early.clone();
                late.touch(extension);
                return (key, late);
            }
            Ok(Touched::Stale) if trial.load(&key, at(1)).await.is_none() => {}
            other => trial.fails(&format_args!("a touch ended in {other:?}")),
        }
    }
    trial.fails(&"rows that are live are swept again and again")
}

/// A row whose deadline is not before the last write of any clause: other runs of the suite may share the store.
fn short_lived(value: &[u8], index_key: IndexKey) -> Row {
    until(20, filed_row(value, &[index_key]))
}

const SWEEP: usize = 16;
const MOST_SWEEPS: usize = 10_000;
const MOST_TRIES: usize = 1_000;
