//! Clause 4: a row is replaced only if it is still the one that was read.

use super::trial::{Trial, after, at, filed_row, new_index_key, new_key, refiled, row, until};
use crate::store::{Inserted, Replaced, Store};

/// A replace over another revision writes nothing and returns the stored row.
pub async fn a_replace_needs_the_row_that_was_read<S: Store>(store: &S) {
    let trial = Trial::new("a_replace_needs_the_row_that_was_read", store);
    let (key, index_key) = (new_key(), new_index_key());
    let first = row(b"first");
    trial.insert(&key, &first).await;
    // An earlier deadline, which no touch can set.
    let second = until(500, after(&first, b"second"));
    trial.replace(&key, &first, &second).await;
    trial.holds(&key, at(1), &second).await;

    let overtaken = refiled(after(&first, b"overtaken"), &[index_key]);
    let unborn = after(&second, b"unborn");
    for seen in [&first, &unborn] {
        let replaced = store.replace(&key, seen, &overtaken, at(2)).await;
        trial.says(replaced, &Replaced::Stale(second.clone()));
        trial.holds(&key, at(2), &second).await;
    }
    trial.lists(&index_key, at(2), &[]).await;
    // The returned row can be used like one that was read.
    trial
        .replace(&key, &second, &after(&second, b"third"))
        .await;
}

/// An operation that is sent again, because its outcome was unknown, finds what the first try wrote.
pub async fn a_repeated_operation_meets_what_it_wrote<S: Store>(store: &S) {
    let trial = Trial::new("a_repeated_operation_meets_what_it_wrote", store);
    let (key, index_key) = (new_key(), new_index_key());
    let first = filed_row(b"first", &[index_key]);
    trial.insert(&key, &first).await;
    let inserted = store.insert(&key, &first, at(1)).await;
    trial.says(inserted, &Inserted::Exists);
    trial.holds(&key, at(1), &first).await;

    let second = after(&first, b"second");
    trial.replace(&key, &first, &second).await;
    let replaced = store.replace(&key, &first, &second, at(1)).await;
    trial.says(replaced, &Replaced::Stale(second.clone()));
    trial.lists(&index_key, at(1), &[(&key, &second)]).await;

    trial.says(store.remove(&key).await, &Some(second));
    trial.says(store.remove(&key).await, &None);
}
