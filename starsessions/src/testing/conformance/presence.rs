//! Rows that exist, as they were given, and rows that do not.

use std::sync::Arc;

use super::trial::{
    Trial, after, at, filed_row, new_index_key, new_key, rotation, row, until, way_after,
};
use crate::crypto::RowKey;
use crate::store::{Inserted, Listing, Row, Store};

/// Clauses 5 and 7: a row is returned as it was stored, under its own key only.
pub async fn a_row_is_kept_as_it_was_given<S: Store>(store: &S) {
    let trial = Trial::new("a_row_is_kept_as_it_was_given", store);
    let every_byte: Vec<u8> = (0..=u8::MAX).collect();
    let listing = |index_keys, card: &[u8]| Some(Arc::new(Listing::new(index_keys, card)));
    let listings = [
        None,
        listing(vec![], b""),
        listing(vec![new_index_key()], b"\0card\xff"),
        listing(vec![new_index_key(), new_index_key()], &every_byte),
    ];
    for (listing, value) in
        listings
            .into_iter()
            .zip([&b""[..], b"\0", b"\xff \0\r\n\x1a\"\\'%_", &every_byte])
    {
        let key = new_key();
        let first = Row {
            // Larger than the integers that an `f64` represents exactly.
            revision: (1 << 53) + 1,
            listing,
            ..row(value)
        };
        trial.holds_nothing(&key, at(0)).await;
        trial.insert(&key, &first).await;
        trial.holds(&key, at(0), &first).await;
        let second = after(&first, &[value, value].concat());
        trial.replace(&key, &first, &second).await;
        trial.holds(&key, at(1), &second).await;
        for bit in [0x01, 0x20] {
            let mut neighbour = *key.as_bytes();
            neighbour[31] ^= bit;
            let neighbour = RowKey::from_bytes(neighbour);
            trial.holds_nothing(&neighbour, at(1)).await;
        }
    }
}

/// Clause 5: a layer may allow large sessions, filed under many keys.
pub async fn the_largest_row_is_kept_whole<S: Store>(store: &S) {
    let trial = Trial::new("the_largest_row_is_kept_whole", store);
    let key = new_key();
    let index_keys: Vec<_> = (0..MOST_INDEX_KEYS).map(|_| new_index_key()).collect();
    let ascending: Vec<u8> = (0..LARGEST_VALUE).map(|place| place as u8).collect();
    let descending: Vec<u8> = ascending.iter().rev().copied().collect();
    let first = filed_row(&ascending, &index_keys);
    trial.insert(&key, &first).await;
    trial.holds(&key, at(0), &first).await;
    let second = after(&first, &descending);
    trial.replace(&key, &first, &second).await;
    trial.holds(&key, at(1), &second).await;
    for index_key in &index_keys {
        trial.lists(index_key, at(1), &[(&key, &second)]).await;
    }
    let (new, left) = (new_key(), way_after(&second, b"way"));
    let moving = rotation([&key, &new], [&second, &left, &first]);
    if !trial.rotate(moving, &second).await {
        return;
    }
    trial.holds(&new, at(1), &first).await;
    for index_key in &index_keys {
        trial.lists(index_key, at(1), &[(&new, &first)]).await;
    }
}

/// Clause 1: an insert under a taken key leaves the row as it is.
pub async fn an_insert_never_replaces<S: Store>(store: &S) {
    let trial = Trial::new("an_insert_never_replaces", store);
    let (key, index_key) = (new_key(), new_index_key());
    let first = row(b"first");
    trial.insert(&key, &first).await;
    let second = filed_row(b"second", &[index_key]);
    let inserted = store.insert(&key, &second, at(1)).await;
    trial.says(inserted, &Inserted::Exists);
    trial.holds(&key, at(1), &first).await;
    trial.lists(&index_key, at(1), &[]).await;
}

/// Clause 1: no other operation creates a row under a key without one.
pub async fn nothing_but_insert_brings_a_row_into_being<S: Store>(store: &S) {
    let trial = Trial::new("nothing_but_insert_brings_a_row_into_being", store);
    let index_key = new_index_key();
    let never_there = filed_row(b"never there", &[index_key]);
    nothing_comes_of(&trial, &new_key(), &never_there).await;
    trial.lists(&index_key, at(1), &[]).await;
}

/// Clause 1: no concurrent operation brings a removed row back. The removal returns the row.
pub async fn a_removed_row_stays_removed<S: Store>(store: &S) {
    let trial = Trial::new("a_removed_row_stays_removed", store);
    let (key, index_key) = (new_key(), new_index_key());
    let ended = filed_row(b"ended", &[index_key]);
    trial.insert(&key, &ended).await;
    trial.says(store.remove(&key).await, &Some(ended.clone()));
    nothing_comes_of(&trial, &key, &ended).await;
    trial.lists(&index_key, at(1), &[]).await;
    // The key is free again.
    trial.insert(&key, &row(b"another")).await;
}

/// Tries every operation except an insert on a row that does not exist.
async fn nothing_comes_of<S: Store>(trial: &Trial<'_, S>, key: &RowKey, seen: &Row) {
    let late = until(2_000, after(seen, b"late"));
    trial.changes_nothing(key, [seen, &late], at(1)).await;
    trial.holds_nothing(key, at(1)).await;
    trial.says(trial.store.remove(key).await, &None);
}

const LARGEST_VALUE: usize = 256 * 1024;
const MOST_INDEX_KEYS: usize = 16;
