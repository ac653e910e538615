//! Clause 5: the times of a row, which move forward only.

use super::trial::{Trial, after, at, filed_row, new_index_key, new_key, row, touch, until};
use crate::store::{Row, Store, Touched};

/// Touches may arrive in any order. They do not change the revision or the data.
pub async fn a_touch_moves_times_forward_only<S: Store>(store: &S) {
    let trial = Trial::new("a_touch_moves_times_forward_only", store);
    let (key, index_key) = (new_key(), new_index_key());
    let seen = filed_row(b"value", &[index_key]);
    trial.insert(&key, &seen).await;
    let late = trial.touch(&key, &seen, touch(20, 2_000)).await;
    trial.touch(&key, &seen, touch(10, 1_500)).await;
    trial.holds(&key, at(20), &late).await;
    // Each of the two times moves independently.
    let late = trial.touch(&key, &late, touch(30, 1_500)).await;
    let late = trial.touch(&key, &late, touch(10, 2_500)).await;
    trial.holds(&key, at(2_499), &late).await;
    trial.lists(&index_key, at(2_499), &[(&key, &late)]).await;
    trial.holds_remains_at_most(&key, at(2_500), &late).await;
}

/// A touch of a row that was replaced does nothing.
pub async fn a_touch_needs_the_row_that_was_read<S: Store>(store: &S) {
    let trial = Trial::new("a_touch_needs_the_row_that_was_read", store);
    let key = new_key();
    let (first, second) = (row(b"first"), after(&row(b"first"), b"second"));
    trial.insert(&key, &first).await;
    trial.replace(&key, &first, &second).await;
    for seen in [&first, &after(&second, b"unborn")] {
        let touched = store.touch(&key, seen, touch(20, 2_000), at(2)).await;
        trial.says(touched, &Touched::Stale);
        trial.holds(&key, at(2), &second).await;
    }
}

/// A replace over a row that was touched since it was read succeeds, and does not move its times back.
pub async fn a_replace_keeps_a_touch_in_between<S: Store>(store: &S) {
    let trial = Trial::new("a_replace_keeps_a_touch_in_between", store);
    // The touch is later, or the written row is; the deadline was extended, or not.
    for moved in [touch(20, 2_000), touch(5, 1_200), touch(20, 1_000)] {
        let key = new_key();
        let seen = row(b"before");
        trial.insert(&key, &seen).await;
        let stored = trial.touch(&key, &seen, moved).await;
        let sent = Row {
            last_seen: at(10),
            deadline: at(1_500),
            ..after(&seen, b"after")
        };
        trial.replace(&key, &seen, &sent).await;
        let kept = sent.in_place_of(&stored, &seen);
        trial.holds(&key, at(20), &kept).await;
    }
    // If no touch has moved the deadline, the written deadline may be earlier.
    let key = new_key();
    let seen = row(b"before");
    trial.insert(&key, &seen).await;
    trial.touch(&key, &seen, touch(20, 1_000)).await;
    let sent = until(500, after(&seen, b"after"));
    trial.replace(&key, &seen, &sent).await;
    let kept = Row {
        last_seen: at(20),
        ..sent
    };
    trial.holds(&key, at(20), &kept).await;
}
