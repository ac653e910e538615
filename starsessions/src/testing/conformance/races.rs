//! Clause 2: many operations at the same time.

use std::pin::Pin;

use futures_util::future::join_all;

use super::trial::{Trial, after, at, new_key, rotation, row, touch, way_after};
use crate::store::{Inserted, Replaced, Rotated, Row, Store, Touched};

/// One of many inserts under one key succeeds.
pub async fn parallel_inserts_have_one_winner<S: Store>(store: &S) {
    let trial = Trial::new("parallel_inserts_have_one_winner", store);
    let key = &new_key();
    let rows: Vec<_> = (0..WRITERS).map(|writer| row(&[writer])).collect();
    let outcomes = join_all(rows.iter().map(|row| store.insert(key, row, at(0)))).await;
    let stored = trial.load(key, at(0)).await;
    for (row, outcome) in rows.into_iter().zip(outcomes) {
        let is_there = stored.as_ref() == Some(&row);
        let expected = [Inserted::Exists, Inserted::Inserted][usize::from(is_there)];
        trial.says(outcome, &expected);
    }
}

/// One of many replaces over one revision succeeds; the others return its row.
pub async fn parallel_replaces_have_one_winner<S: Store>(store: &S) {
    let trial = Trial::new("parallel_replaces_have_one_winner", store);
    let (key, seen) = (&new_key(), &row(b"before"));
    trial.insert(key, seen).await;
    let rows: Vec<_> = (0..WRITERS).map(|writer| after(seen, &[writer])).collect();
    let replaces = rows.iter().map(|row| store.replace(key, seen, row, at(1)));
    let outcomes = join_all(replaces).await;
    let Some(stored) = trial.load(key, at(1)).await else {
        trial.fails(&"the row is lost")
    };
    for (row, outcome) in rows.into_iter().zip(outcomes) {
        let expected = match row == stored {
            true => Replaced::Replaced,
            false => Replaced::Stale(stored.clone()),
        };
        trial.says(outcome, &expected);
    }
}

/// One of many rotations of one row succeeds; the others return the way to its successor.
pub async fn parallel_rotations_have_one_successor<S: Store>(store: &S) {
    let trial = Trial::new("parallel_rotations_have_one_successor", store);
    let (old, seen) = (&new_key(), &row(b"before"));
    trial.insert(old, seen).await;
    let rotations: Vec<_> = (0..WRITERS)
        .map(|writer| (new_key(), way_after(seen, &[writer]), row(&[writer])))
        .collect();
    let outcomes = join_all(rotations.iter().map(|(new, left, row)| {
        let rotation = rotation([old, new], [seen, left, row]);
        store.rotate(rotation, at(1))
    }))
    .await;
    let Some(stored) = trial.load(old, at(1)).await else {
        trial.fails(&"the old key leads nowhere")
    };
    for ((new, left, row), outcome) in rotations.iter().zip(outcomes) {
        if matches!(outcome, Ok(Rotated::Unsupported)) {
            trial.holds_nothing(new, at(1)).await;
        } else if *left == stored {
            trial.says(outcome, &Rotated::Rotated);
            trial.holds(new, at(1), row).await;
        } else {
            trial.says(outcome, &Rotated::Stale(stored.clone()));
            trial.holds_nothing(new, at(1)).await;
        }
    }
}

/// A rotation and a replace over one revision exclude each other.
pub async fn a_rotation_and_a_replace_have_one_winner<S: Store>(store: &S) {
    let trial = Trial::new("a_rotation_and_a_replace_have_one_winner", store);
    for turn in 0..TURNS {
        let (old, new, seen) = (&new_key(), &new_key(), &row(b"before"));
        trial.insert(old, seen).await;
        let (left, replacement) = (&way_after(seen, b"way"), &after(seen, b"after"));
        let rotation = rotation([old, new], [seen, left, replacement]);
        let rotate = async {
            match store.rotate(rotation, at(1)).await {
                Ok(Rotated::Rotated) => true,
                Ok(Rotated::Unsupported) => false,
                Ok(Rotated::Stale(found)) if found == *replacement => false,
                other => trial.fails(&format_args!("the rotation ended in {other:?}")),
            }
        };
        let replace = async {
            match store.replace(old, seen, replacement, at(1)).await {
                Ok(Replaced::Replaced) => true,
                Ok(Replaced::Stale(found)) if found == *left => false,
                other => trial.fails(&format_args!("the replace ended in {other:?}")),
            }
        };
        let outcomes = in_turn(turn, [Box::pin(rotate), Box::pin(replace)]).await;
        let is_right = match outcomes {
            [true, false] => [Some(left.clone()), Some(replacement.clone())],
            [false, true] => [Some(replacement.clone()), None],
            _ => trial.fails(&format_args!("moved and replaced: {outcomes:?}")),
        };
        let found = [trial.load(old, at(1)).await, trial.load(new, at(1)).await];
        trial.says(Ok(found), &is_right);
    }
}

/// A touch does not revert the data of a concurrent replace, nor a replace the times of a concurrent touch.
pub async fn a_touch_and_a_replace_lose_nothing<S: Store>(store: &S) {
    let trial = &Trial::new("a_touch_and_a_replace_lose_nothing", store);
    for turn in 0..TURNS {
        let (key, seen) = (&new_key(), &row(b"before"));
        trial.insert(key, seen).await;
        let (later, replacement) = (touch(20, 2_000), &after(seen, b"after"));
        let touching = async {
            match store.touch(key, seen, later, at(1)).await {
                Ok(touched) => touched == Touched::Touched,
                other => trial.fails(&format_args!("the touch ended in {other:?}")),
            }
        };
        let replacing = async {
            trial.replace(key, seen, replacement).await;
            true
        };
        let mut stored = seen.clone();
        if let [true, _] = in_turn(turn, [Box::pin(touching), Box::pin(replacing)]).await {
            stored.touch(later);
        }
        let kept = replacement.in_place_of(&stored, seen);
        trial.holds(key, at(1), &kept).await;
    }
}

/// A removal returns the row that it has ended, which may be the way to a successor. No concurrent write brings the row
/// back.
pub async fn a_removal_ends_what_others_leave<S: Store>(store: &S) {
    let trial = &Trial::new("a_removal_ends_what_others_leave", store);
    for turn in 0..TURNS {
        let (key, seen) = (&new_key(), &row(b"before"));
        trial.insert(key, seen).await;
        let replacement = &after(seen, b"after");
        let remove = async {
            match store.remove(key).await {
                Ok(Some(ended)) => ended.revision == replacement.revision,
                other => trial.fails(&format_args!("the removal ended in {other:?}")),
            }
        };
        let replace = async {
            match store.replace(key, seen, replacement, at(1)).await {
                Ok(Replaced::Replaced) => true,
                Ok(Replaced::Gone) => false,
                other => trial.fails(&format_args!("the replace ended in {other:?}")),
            }
        };
        let touch = async {
            store
                .touch(key, seen, touch(20, 2_000), at(1))
                .await
                .is_ok()
        };
        let outcomes = in_turn(turn, [Box::pin(remove), Box::pin(replace), Box::pin(touch)]);
        match outcomes.await {
            [is_returned, is_replaced, true] if is_returned == is_replaced => {}
            other => trial.fails(&format_args!("returned, replaced, touched: {other:?}")),
        }
        trial.holds_nothing(key, at(1)).await;
    }
}

/// All writers succeed if each tries again over the row that was returned.
pub async fn writers_that_try_again_lose_nothing<S: Store>(store: &S) {
    let trial = &Trial::new("writers_that_try_again_lose_nothing", store);
    let (key, first) = (&new_key(), &row(&[0]));
    trial.insert(key, first).await;
    join_all((0..WRITERS).map(|_| async move {
        let mut seen = first.clone();
        loop {
            match store.replace(key, &seen, &one_more(&seen), at(1)).await {
                Ok(Replaced::Replaced) => return,
                Ok(Replaced::Stale(theirs)) if theirs.revision > seen.revision => seen = theirs,
                other => trial.fails(&format_args!("after {seen:?}: {other:?}")),
            }
        }
    }))
    .await;
    let expected = (0..WRITERS).fold(first.clone(), |row, _| one_more(&row));
    trial.holds(key, at(1), &expected).await;
}

fn one_more(seen: &Row) -> Row {
    let count = seen.value.first().map_or(0, |count| count + 1);
    after(seen, &[count])
}

type Boxed<'a> = Pin<Box<dyn Future<Output = bool> + Send + 'a>>;

/// Runs the operations concurrently. Each comes first in some of the turns.
async fn in_turn<const N: usize>(turn: usize, mut operations: [Boxed<'_>; N]) -> [bool; N] {
    operations.rotate_left(turn % N);
    let mut outcomes = [false; N];
    for (place, outcome) in (turn..).zip(join_all(operations).await) {
        outcomes[place % N] = outcome;
    }
    outcomes
}

const WRITERS: u8 = 32;
const TURNS: usize = 8;
