//! One shard, operation by operation, and a rotation between two.

use std::sync::Arc;
use std::thread;

use tokio::runtime::Builder;

use super::*;
use crate::store::{Listing, MemoryStore, Rotated, Store};

/// Sessions that end long before they would expire leave nothing behind.
#[test]
fn sessions_that_begin_and_end_do_not_add_up() {
    for row in [guest(), user()] {
        let mut shard = Shard::new(100, 100);
        for number in 0..10_000 {
            insert(&mut shard, number, &row);
            shard.remove(&key(number));
        }
        assert_eq!(held(&shard), [0, 1, 0, 0]);
    }
}

/// Endless new ids leave no more ways behind than the limit.
#[test]
fn sessions_that_get_new_ids_do_not_add_up() {
    for row in [guest(), user()] {
        let mut shard = Shard::new(10, 10);
        insert(&mut shard, 0, &row);
        for number in 1..10_000 {
            rotate(&mut shard, number - 1, number, &row);
        }
        assert_eq!(shard.get(&key(9_999)), Some(&row));
        let filed = row.index_keys().len();
        let [rows, places, _, guests] = held(&shard);
        assert!(
            rows <= 12 && places <= 13 && guests <= 11,
            "{:?}",
            held(&shard)
        );
        assert_eq!(shard.filed.len(), filed);
    }
}

/// All data of a flood of visitors stays under the limit.
#[test]
fn a_flood_of_visitors_is_flat_and_signs_no_user_out() {
    let mut shard = Shard::new(100, 100);
    insert(&mut shard, 0, &user());
    for number in 1..10_000 {
        insert(&mut shard, number, &guest());
    }
    assert_eq!(shard.get(&key(0)), Some(&user()));
    assert_eq!(held(&shard), [101, 101, 1, 100]);
}

#[test]
fn the_longest_unused_guest_makes_room() {
    let mut shard = Shard::new(3, 1);
    for number in 0..3 {
        insert(&mut shard, number, &guest());
    }
    let touch = Touch {
        last_seen: at(1),
        deadline: at(100),
    };
    let touched = shard.touch(&key(0), &guest(), touch, at(1));
    assert_eq!(touched, Touched::Touched);
    let replaced = shard.replace(&key(1), &guest(), &guest(), at(1));
    assert_eq!(replaced.unwrap(), Replaced::Replaced);
    for (number, gone) in [(3, 2), (4, 0), (5, 1)] {
        insert(&mut shard, number, &guest());
        assert_eq!(shard.get(&key(gone)), None);
        assert_eq!(shard.len(), 3);
    }
}

/// A session that rotates does not make room, even if it was unused for longest.
#[test]
fn a_guest_that_gets_a_new_id_at_the_limit_is_not_lost() {
    for limit in 1..4 {
        let mut shard = Shard::new(limit, 1);
        for number in 0..10 {
            insert(&mut shard, number, &guest());
        }
        let oldest = 10 - limit as u32;
        rotate(&mut shard, oldest, 10, &guest());
        rotate(&mut shard, 10, 11, &guest());
        assert_eq!(shard.get(&key(11)), Some(&guest()));
    }
}

#[test]
fn expired_sessions_make_room_before_a_sign_in_is_refused() {
    let mut shard = Shard::new(1, 100);
    for number in 0..100 {
        insert(&mut shard, number, &user());
    }
    let full = shard.insert(&key(100), user(), None, at(99));
    assert!(matches!(full, Err(StoreError::Full)));
    let next = Row {
        deadline: at(200),
        ..user()
    };
    let inserted = shard.insert(&key(100), next, None, at(100));
    assert_eq!(inserted.unwrap(), Inserted::Inserted);
}

#[test]
fn a_guest_that_signs_in_needs_a_place_of_a_user() {
    let mut shard = Shard::new(10, 1);
    insert(&mut shard, 0, &user());
    insert(&mut shard, 1, &guest());
    let refused = shard.replace(&key(1), &guest(), &user(), at(1));
    assert!(matches!(refused, Err(StoreError::Full)));
    let refused = shard.insert(&key(2), user(), Some(&guest()), at(1));
    assert!(matches!(refused, Err(StoreError::Full)));
    assert_eq!(shard.get(&key(1)), Some(&guest()));
    rotate(&mut shard, 0, 3, &user());
}

/// Hashes are shorter than keys, so two keys may have the same hash.
#[test]
fn a_row_is_listed_once_under_index_keys_of_one_hash() {
    let mut shard = Shard::new(1, 1);
    let [first, second] = [1, 2].map(|number| {
        let mut bytes = [0; 32];
        bytes[0] = number;
        IndexKey::from_bytes(bytes)
    });
    let listing = Listing::new(vec![first, second], *b"card");
    let row = Row {
        listing: Some(Arc::new(listing)),
        ..user()
    };
    insert(&mut shard, 0, &row);
    for index_key in [first, second] {
        assert_eq!(shard.listed(&index_key, at(1)).len(), 1);
    }
    shard.remove(&key(0));
    assert_eq!(held(&shard), [0, 1, 0, 0]);
}

/// A sweep frees each session after its deadline and never before, however few rows it looks at.
#[test]
fn every_session_is_freed_in_its_time() {
    let mut shard = Shard::new(1_000, 1_000);
    for number in 0..500 {
        let row = Row {
            deadline: at(100 + u64::from(number)),
            ..guest()
        };
        insert(&mut shard, number, &row);
    }
    sweep(&mut shard, at(99 + 250));
    assert_eq!(shard.len(), 250);
    sweep(&mut shard, at(700));
    assert_eq!(held(&shard), [0, 500, 0, 0]);
}

/// Without any sweep, writes free expired rows faster than rows expire.
#[test]
fn writes_free_what_has_expired() {
    let mut shard = Shard::new(usize::MAX, usize::MAX);
    for number in 0..10_000 {
        let now = at(u64::from(number));
        let row = Row::new(*b"value", now, at(100 + u64::from(number)));
        let inserted = shard.insert(&key(number), row, None, now);
        assert_eq!(inserted.unwrap(), Inserted::Inserted);
    }
    let [rows, places, ..] = held(&shard);
    assert!(
        rows <= 150 && places <= 150,
        "{rows} rows at {places} places"
    );
}

/// The rotation waits for the shard of the new key. Meanwhile, another request touches the session.
#[test]
fn a_touch_during_a_rotation_is_kept() {
    let store = MemoryStore::new();
    let (old, new, row) = (key(0), RowKey::from_bytes([1; RowKey::LEN]), guest());
    for number in [0, 1] {
        insert(&mut store.shard(&old), number, &row);
    }
    let longest_unused = || store.shard(&old).guests.first();
    let before = longest_unused();
    thread::scope(|scope| {
        let gate = store.shard(&new);
        let rotating = scope.spawn(|| {
            let way = Row::new(*b"way", at(1), at(30));
            let rotation = Rotation::new(&old, &row, &way, &new, &row);
            let runtime = Builder::new_current_thread().build().unwrap();
            runtime.block_on(store.rotate(rotation, at(1)))
        });
        while longest_unused() == before {
            thread::yield_now();
        }
        let touch = Touch::new(at(1), at(200));
        let touched = store.shard(&old).touch(&old, &row, touch, at(1));
        assert_eq!(touched, Touched::Touched);
        drop(gate);
        let rotated = rotating.join().unwrap();
        assert_eq!(rotated.unwrap(), Rotated::Rotated);
    });
    let moved = store.shard(&new).get(&new).cloned();
    assert_eq!(moved.map(|row| row.deadline), Some(at(200)));
}

fn sweep(shard: &mut Shard, now: Timestamp) {
    while shard.sweep(7, now) == 7 {}
}

fn insert(shard: &mut Shard, number: u32, row: &Row) {
    let inserted = shard.insert(&key(number), row.clone(), None, at(0));
    assert_eq!(inserted.unwrap(), Inserted::Inserted);
}

/// Rotates in the steps of the store.
fn rotate(shard: &mut Shard, old: u32, new: u32, row: &Row) {
    let (old, new) = (key(old), key(new));
    let way = Row::new(*b"way", at(1), at(30));
    let rotation = Rotation::new(&old, row, &way, &new, row);
    let moved = shard.before_leaving(&rotation, at(1)).unwrap();
    let inserted = shard.insert(&new, moved, Some(row), at(1));
    assert_eq!(inserted.unwrap(), Inserted::Inserted);
    let times = Touch::new(row.last_seen, row.deadline);
    assert_eq!(shard.leave(&rotation, at(1)), Ok(times));
}

/// The counts of everything that could leak: rows, places, filings and guests.
fn held(shard: &Shard) -> [usize; 4] {
    [
        shard.rows.len(),
        shard.rows.places(),
        shard.filed.len(),
        shard.guests.len(),
    ]
}

fn guest() -> Row {
    Row::new(*b"value", at(0), at(100))
}

fn user() -> Row {
    let listing = Listing::new(vec![IndexKey::from_bytes([7; 32])], *b"card");
    Row {
        listing: Some(Arc::new(listing)),
        ..guest()
    }
}

fn key(number: u32) -> RowKey {
    let mut bytes = [0; 32];
    bytes[28..].copy_from_slice(&number.to_le_bytes());
    RowKey::from_bytes(bytes)
}

fn at(second: u64) -> Timestamp {
    Timestamp::from_unix_seconds(1_000_000 + second)
}
