//! A session that moves to a new key: both rows are written, or neither.
//!
//! A store that cannot do this returns `Unsupported`, and must have written nothing.

use super::trial::{
    Trial, after, at, filed_row, new_index_key, new_key, rotation, row, touch, way_after,
};
use crate::store::{Replaced, Rotated, Rotation, Row, Store, Touched};

/// The session is under the new key with its listing. The old key holds the way to it until that expires.
pub async fn a_rotation_moves_a_session<S: Store>(store: &S) {
    let trial = Trial::new("a_rotation_moves_a_session", store);
    let (old, new, index_key) = (new_key(), new_key(), new_index_key());
    let seen = filed_row(b"before", &[index_key]);
    trial.insert(&old, &seen).await;
    let (left, moved) = (way_after(&seen, b"way"), filed_row(b"after", &[index_key]));
    let rotation = rotation([&old, &new], [&seen, &left, &moved]);
    if !trial.rotate(rotation, &seen).await {
        return;
    }
    trial.holds(&new, at(1), &moved).await;
    trial.holds(&old, at(499), &left).await;
    trial.lists(&index_key, at(1), &[(&new, &moved)]).await;
    trial.holds_remains_at_most(&old, at(500), &left).await;
    // Repeated, as after an unknown outcome: the row that is found shows that the first try had succeeded.
    match store.rotate(rotation, at(1)).await {
        Ok(Rotated::Exists) => {}
        Ok(Rotated::Stale(found)) if found == left => {}
        other => trial.fails(&format_args!("a repeated rotation ended in {other:?}")),
    }
    trial.holds(&new, at(1), &moved).await;
    // The removal of the old row returns the way to the session.
    trial.says(store.remove(&old).await, &Some(left));
    trial.holds(&new, at(1), &moved).await;
}

/// A rotation over another row, to a key that is taken, or of a missing row, writes nothing.
pub async fn a_rotation_needs_the_row_that_was_read<S: Store>(store: &S) {
    let trial = Trial::new("a_rotation_needs_the_row_that_was_read", store);
    let (old, new, taken) = (new_key(), new_key(), new_key());
    let (before, after_it) = (new_index_key(), new_index_key());
    let first = filed_row(b"first", &[before]);
    let second = after(&first, b"second");
    let other = row(b"other");
    trial.insert(&old, &first).await;
    trial.replace(&old, &first, &second).await;
    trial.insert(&taken, &other).await;
    let moved = filed_row(b"moved", &[after_it]);
    for (seen, new, expected) in [
        (&first, &new, Rotated::Stale(second.clone())),
        (&second, &taken, Rotated::Exists),
    ] {
        let left = way_after(seen, b"way");
        let rotation = rotation([&old, new], [seen, &left, &moved]);
        match store.rotate(rotation, at(2)).await {
            Ok(Rotated::Unsupported) => {}
            found => trial.says(found, &expected),
        }
        trial.holds(&old, at(2), &second).await;
        trial.lists(&before, at(2), &[(&old, &second)]).await;
        trial.lists(&after_it, at(2), &[]).await;
    }
    trial.holds_nothing(&new, at(2)).await;
    trial.holds(&taken, at(2), &other).await;
}

/// A concurrent write under the old key finds another row there, and changes neither row.
pub async fn a_rotation_ends_the_old_row<S: Store>(store: &S) {
    let trial = Trial::new("a_rotation_ends_the_old_row", store);
    let (old, new, index_key) = (new_key(), new_key(), new_index_key());
    let seen = filed_row(b"before", &[index_key]);
    trial.insert(&old, &seen).await;
    // A touch does not change the revision, so it does not block a rotation.
    let touched = trial.touch(&old, &seen, touch(1, 1_000)).await;
    let (left, moved) = (way_after(&seen, b"way"), after(&seen, b"after"));
    let rotation = rotation([&old, &new], [&seen, &left, &moved]);
    if !trial.rotate(rotation, &touched).await {
        return;
    }
    let Some(left) = trial.load(&old, at(1)).await else {
        trial.fails(&"nothing is left under the old key")
    };
    let Some(moved) = trial.load(&new, at(1)).await else {
        trial.fails(&"nothing is under the new key")
    };
    let late = filed_row(b"late", &[index_key]);
    let replaced = store.replace(&old, &seen, &late, at(2)).await;
    trial.says(replaced, &Replaced::Stale(left.clone()));
    let touched = store.touch(&old, &seen, touch(2, 2_000), at(2)).await;
    trial.says(touched, &Touched::Stale);
    let third = new_key();
    let again = Rotation {
        new: &third,
        ..rotation
    };
    let rotated = store.rotate(again, at(2)).await;
    trial.says(rotated, &Rotated::Stale(left.clone()));
    trial.holds_nothing(&third, at(2)).await;
    trial.holds(&old, at(2), &left).await;
    trial.holds(&new, at(2), &moved).await;
    trial.lists(&index_key, at(2), &[(&new, &moved)]).await;
}

/// A rotation over a row that was touched since it was read does not move the session's times back.
pub async fn a_rotation_keeps_a_touch_in_between<S: Store>(store: &S) {
    let trial = Trial::new("a_rotation_keeps_a_touch_in_between", store);
    // The touch is later, or the written row is; the deadline was extended, or not.
    for later in [touch(20, 2_000), touch(5, 1_200), touch(20, 1_000)] {
        for deadline in [500, 1_500] {
            let (old, new, index_key) = (new_key(), new_key(), new_index_key());
            let seen = filed_row(b"before", &[index_key]);
            trial.insert(&old, &seen).await;
            let stored = trial.touch(&old, &seen, later).await;
            let sent = Row {
                last_seen: at(10),
                deadline: at(deadline),
                ..filed_row(b"\xff\0after", &[index_key])
            };
            let left = way_after(&seen, b"way");
            let rotation = rotation([&old, &new], [&seen, &left, &sent]);
            if !trial.rotate(rotation, &stored).await {
                return;
            }
            let kept = sent.in_place_of(&stored, &seen);
            trial.holds(&new, at(20), &kept).await;
            trial.lists(&index_key, at(20), &[(&new, &kept)]).await;
        }
    }
}
