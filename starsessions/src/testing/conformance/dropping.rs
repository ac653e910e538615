//! Clause 2: operations that are dropped half-way.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use super::trial::{
    Trial, after, at, filed_row, new_index_key, new_key, refiled, rotation, sorted, touch,
    way_after,
};
use crate::crypto::{IndexKey, RowKey};
use crate::store::{Listed, Row, Store, StoreError};

/// Each operation is dropped at each of its await points.
pub async fn a_dropped_operation_is_whole_or_not_at_all<S: Store>(store: &S) {
    let trial = &Trial::new("a_dropped_operation_is_whole_or_not_at_all", store);
    for polls in 0..MOST_POLLS {
        let finished = [
            dropped_insert(trial, polls).await,
            dropped_replace(trial, polls).await,
            dropped_touch(trial, polls).await,
            dropped_rotation(trial, polls).await,
            dropped_remove(trial, polls).await,
            dropped_reading(trial, polls).await,
        ];
        if finished == [true; 6] {
            return;
        }
    }
}

async fn dropped_insert<S: Store>(trial: &Trial<'_, S>, polls: usize) -> bool {
    let place = Place::new();
    let row = filed_row(b"1", &[place.before]);
    let operation = trial.store.insert(&place.old, &row, at(0));
    let states = [[None, None], [Some(&row), None]];
    place.drops(trial, polls, operation, &states).await
}

async fn dropped_replace<S: Store>(trial: &Trial<'_, S>, polls: usize) -> bool {
    let (place, seen) = Place::with_row(trial).await;
    let row = place.moved(&seen);
    let operation = trial.store.replace(&place.old, &seen, &row, at(1));
    let states = [[Some(&seen), None], [Some(&row), None]];
    place.drops(trial, polls, operation, &states).await
}

async fn dropped_touch<S: Store>(trial: &Trial<'_, S>, polls: usize) -> bool {
    let (place, seen) = Place::with_row(trial).await;
    let (mut touched, later) = (seen.clone(), touch(20, 2_000));
    touched.touch(later);
    let operation = trial.store.touch(&place.old, &seen, later, at(1));
    let states = [[Some(&seen), None], [Some(&touched), None]];
    place.drops(trial, polls, operation, &states).await
}

async fn dropped_rotation<S: Store>(trial: &Trial<'_, S>, polls: usize) -> bool {
    let (place, seen) = Place::with_row(trial).await;
    let (left, row) = (way_after(&seen, b"way"), place.moved(&seen));
    let rotation = rotation([&place.old, &place.new], [&seen, &left, &row]);
    let operation = trial.store.rotate(rotation, at(1));
    let states = [[Some(&seen), None], [Some(&left), Some(&row)]];
    place.drops(trial, polls, operation, &states).await
}

async fn dropped_remove<S: Store>(trial: &Trial<'_, S>, polls: usize) -> bool {
    let (place, seen) = Place::with_row(trial).await;
    let operation = trial.store.remove(&place.old);
    let states = [[Some(&seen), None], [None, None]];
    place.drops(trial, polls, operation, &states).await
}

/// The answer to a dropped read is not taken as the answer to the next operation.
async fn dropped_reading<S: Store>(trial: &Trial<'_, S>, polls: usize) -> bool {
    let (place, seen) = Place::with_row(trial).await;
    let (states, nothing, nowhere) = ([[Some(&seen), None]], new_index_key(), new_key());
    let loading = trial.store.load(&nowhere, at(1));
    let has_loaded = place.drops(trial, polls, loading, &states).await;
    let listing = trial.store.listed(&nothing, at(1));
    let has_listed = place.drops(trial, polls, listing, &states).await;
    has_loaded && has_listed
}

/// The two keys and the two index keys of an operation.
struct Place {
    old: RowKey,
    new: RowKey,
    before: IndexKey,
    after: IndexKey,
}

impl Place {
    fn new() -> Self {
        Self {
            old: new_key(),
            new: new_key(),
            before: new_index_key(),
            after: new_index_key(),
        }
    }

    async fn with_row<S: Store>(trial: &Trial<'_, S>) -> (Self, Row) {
        let place = Self::new();
        let row = filed_row(b"1", &[place.before]);
        trial.insert(&place.old, &row).await;
        (place, row)
    }

    /// The row that follows `seen`, under the other index key.
    fn moved(&self, seen: &Row) -> Row {
        refiled(after(seen, b"2"), &[self.after])
    }

    /// Drops an operation after `polls` polls, and expects one of `states` then; returns whether it had finished.
    async fn drops<S: Store>(
        &self,
        trial: &Trial<'_, S>,
        polls: usize,
        operation: impl Future,
        states: &[[Option<&Row>; 2]],
    ) -> bool {
        let is_finished = poll_times(operation, polls).await;
        self.settles(trial, states).await;
        is_finished
    }

    /// Expects that the rows under the two keys reach one of `states`, listings included. A server may
    /// still be running the dropped operation.
    async fn settles<S: Store>(&self, trial: &Trial<'_, S>, states: &[[Option<&Row>; 2]]) {
        let mut found = Ok(None);
        for _ in 0..MOST_LOOKS {
            for state in states {
                found = self.differs(trial.store, *state).await;
                if matches!(found, Ok(None)) {
                    return;
                }
            }
            tokio::task::yield_now().await;
        }
        trial.fails(&format_args!("expected one of {states:?}, found {found:?}"));
    }

    /// The difference from this state.
    async fn differs<S: Store>(
        &self,
        store: &S,
        state: [Option<&Row>; 2],
    ) -> Result<Option<String>, StoreError> {
        let keys = [self.old, self.new];
        for index_key in [self.before, self.after] {
            let found = sorted(store.listed(&index_key, at(1)).await?);
            let rows = keys.iter().zip(state);
            let rows = rows.filter_map(|(key, row)| Some((key, row?)));
            let filed = rows.filter(|(_, row)| row.index_keys().contains(&index_key));
            let expected = filed.filter_map(|(key, row)| Listed::new(*key, row));
            if found != sorted(expected.collect()) {
                return Ok(Some(format!("listed under {index_key:?}: {found:?}")));
            }
        }
        for (key, expected) in keys.iter().zip(state) {
            let found = store.load(key, at(1)).await?;
            if found.as_ref() != expected {
                return Ok(Some(format!("under {key:?}: {found:?}")));
            }
        }
        Ok(None)
    }
}

/// Polls a future up to `polls` times, each time that it is woken, and drops it; returns whether it had finished.
async fn poll_times(future: impl Future, polls: usize) -> bool {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(false);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending if left == 0 => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

const MOST_POLLS: usize = 64;
const MOST_LOOKS: usize = 64;
