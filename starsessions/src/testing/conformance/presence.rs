//! Clauses 1 to 3: what is there, and what is not.

use std::time::Duration;

use bytes::Bytes;

use super::{at, commit_of, expect, gone, live, new_key, record, record_with};
use crate::clock::Timestamp;
use crate::crypto::RowKey;
use crate::record::{Commit, Field, FieldWrite, Rotation, Touch};
use crate::store::{Committed, Created, Loaded, Rotated, Store, Touched};

/// Clause 2: a record comes back as it went in, and names are compared byte by byte.
pub async fn what_is_created_is_loaded<S: Store>(store: &S) {
    const CLAUSE: &str = "what_is_created_is_loaded";
    let (key, mut record) = (new_key(), record());
    record.identified = true;
    record.remembered = true;
    let mut field = Field::new(Bytes::from_static(b"\0\xff binary \x1a"), 1);
    field.expires_at = Some(at(50));
    field.idle_at = Some(at(70));
    record.fields.insert("shop.Cart".into(), field);
    record
        .fields
        .insert("shop.cart".into(), Field::new(Bytes::new(), 1));
    expect(CLAUSE, store.load(&key, at(0)).await, &None);
    expect(
        CLAUSE,
        store.create(&key, &record, at(0)).await,
        &Created::Applied,
    );
    expect(
        CLAUSE,
        store.load(&key, at(1)).await,
        &Some(Loaded::Live(record)),
    );
    let mut neighbour = *key.as_bytes();
    neighbour[31] ^= 0x20;
    let neighbour = RowKey::from_bytes(neighbour);
    expect(CLAUSE, store.load(&neighbour, at(1)).await, &None);
}

/// A layer may allow a megabyte in a session: in few fields or in many, whatever is in them.
pub async fn the_largest_record_is_kept_whole<S: Store>(store: &S) {
    const CLAUSE: &str = "the_largest_record_is_kept_whole";
    for (fields, size) in [(16, 64 * 1024), (2_000, 16)] {
        let key = new_key();
        let mut record = record();
        for number in 0..fields {
            // Every byte there is, and none of them at the same place in two fields.
            let value: Vec<u8> = (0..size).map(|i| (i + number) as u8).collect();
            let name = format!("a.field-{number}");
            record
                .fields
                .insert(name.into(), Field::new(value.into(), 1));
        }
        expect(
            CLAUSE,
            store.create(&key, &record, at(0)).await,
            &Created::Applied,
        );
        if live(CLAUSE, store.load(&key, at(1)).await) != record {
            panic!("{CLAUSE}: {fields} fields of {size} bytes have come back as others");
        }
        let mut commit = Commit::new(Touch::new(at(1), at(100)));
        for (name, field) in record.fields.iter() {
            let value = field.value.iter().rev().copied().collect();
            commit.set.push((name.clone(), FieldWrite::new(value)));
        }
        expect(
            CLAUSE,
            store.commit(&key, &commit, at(1)).await,
            &Committed::Applied(2),
        );
        commit.apply(&mut record);
        if live(CLAUSE, store.load(&key, at(1)).await) != record {
            panic!("{CLAUSE}: {fields} fields of {size} bytes were changed to others");
        }
    }
}

/// Clause 1: a key that is taken stays with its record.
pub async fn create_never_replaces<S: Store>(store: &S) {
    const CLAUSE: &str = "create_never_replaces";
    let (key, first) = (new_key(), record_with("a.x", b"first"));
    let second = record_with("a.x", b"second");
    expect(
        CLAUSE,
        store.create(&key, &first, at(0)).await,
        &Created::Applied,
    );
    expect(
        CLAUSE,
        store.create(&key, &second, at(0)).await,
        &Created::Exists,
    );
    expect(
        CLAUSE,
        store.load(&key, at(0)).await,
        &Some(Loaded::Live(first)),
    );
}

/// Clause 1: commit, touch, rotate and delete of what is not there leave nothing behind.
pub async fn nothing_but_create_inserts<S: Store>(store: &S) {
    const CLAUSE: &str = "nothing_but_create_inserts";
    let (key, new) = (new_key(), new_key());
    let commit = commit_of("a.x", b"1");
    expect(
        CLAUSE,
        store.commit(&key, &commit, at(0)).await,
        &Committed::Gone,
    );
    let touch = Touch::new(at(0), at(100));
    expect(
        CLAUSE,
        store.touch(&key, &touch, at(0)).await,
        &Touched::Gone,
    );
    for expected in [None, Some(1)] {
        let rotation = Rotation::new(record(), expected);
        expect(
            CLAUSE,
            store.rotate(&key, &new, &rotation, at(0)).await,
            &Rotated::Gone,
        );
    }
    expect(CLAUSE, store.delete(&key, at(0)).await, &None);
    expect(CLAUSE, store.load(&key, at(0)).await, &None);
    expect(CLAUSE, store.load(&new, at(0)).await, &None);
}

/// Clause 3: at its last second a record is there, at the next it is gone to every operation.
pub async fn an_expired_record_is_gone<S: Store>(store: &S) {
    const CLAUSE: &str = "an_expired_record_is_gone";
    let (key, record) = (new_key(), record());
    expect(
        CLAUSE,
        store.create(&key, &record, at(0)).await,
        &Created::Applied,
    );
    let end = record.expires_at;
    let last = Timestamp::from_unix_seconds(end.as_unix_seconds() - 1);
    expect(
        CLAUSE,
        store.load(&key, last).await,
        &Some(Loaded::Live(record.clone())),
    );
    gone(CLAUSE, store.load(&key, end).await, &record);
    let commit = commit_of("a.x", b"1");
    expect(
        CLAUSE,
        store.commit(&key, &commit, end).await,
        &Committed::Gone,
    );
    let touch = Touch::new(end, end + Duration::from_secs(60));
    expect(CLAUSE, store.touch(&key, &touch, end).await, &Touched::Gone);
    let rotation = Rotation::new(record.clone(), None);
    expect(
        CLAUSE,
        store.rotate(&key, &new_key(), &rotation, end).await,
        &Rotated::Gone,
    );
    gone(CLAUSE, store.load(&key, end).await, &record);
}

/// Clause 1: nothing that was under way brings a deleted record back.
pub async fn a_deleted_record_stays_deleted<S: Store>(store: &S) {
    const CLAUSE: &str = "a_deleted_record_stays_deleted";
    let (key, record) = (new_key(), record_with("a.x", b"1"));
    expect(
        CLAUSE,
        store.create(&key, &record, at(0)).await,
        &Created::Applied,
    );
    expect(CLAUSE, store.delete(&key, at(1)).await, &None);
    let commit = commit_of("a.x", b"2");
    expect(
        CLAUSE,
        store.commit(&key, &commit, at(1)).await,
        &Committed::Gone,
    );
    let touch = Touch::new(at(1), at(100));
    expect(
        CLAUSE,
        store.touch(&key, &touch, at(1)).await,
        &Touched::Gone,
    );
    let rotation = Rotation::new(record, Some(1));
    let new = new_key();
    expect(
        CLAUSE,
        store.rotate(&key, &new, &rotation, at(1)).await,
        &Rotated::Gone,
    );
    expect(CLAUSE, store.load(&key, at(1)).await, &None);
    expect(CLAUSE, store.load(&new, at(1)).await, &None);
    expect(CLAUSE, store.delete(&key, at(1)).await, &None);
}

/// A sweep frees what has expired, in bounded steps, and nothing that was extended meanwhile.
pub async fn a_sweep_frees_only_what_has_expired<S: Store>(store: &S) {
    const CLAUSE: &str = "a_sweep_frees_only_what_has_expired";
    let (short, extended, long) = (new_key(), new_key(), new_key());
    let mut early = record();
    early.expires_at = at(10);
    for (key, record) in [(&short, &early), (&extended, &early), (&long, &record())] {
        expect(
            CLAUSE,
            store.create(key, record, at(0)).await,
            &Created::Applied,
        );
    }
    let touch = Touch::new(at(9), at(90));
    expect(
        CLAUSE,
        store.touch(&extended, &touch, at(9)).await,
        &Touched::Applied,
    );
    // Other tests may share the server: sweep until there is nothing left, with an end in sight.
    for _ in 0..MAX_SWEEPS {
        match store.sweep(SWEEP, at(40)).await {
            Ok(looked_at) if looked_at > SWEEP => {
                panic!("{CLAUSE}: {looked_at} looked at where {SWEEP} were asked for")
            }
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => panic!("{CLAUSE}: {error:?}"),
        }
    }
    gone(CLAUSE, store.load(&short, at(40)).await, &early);
    live(CLAUSE, store.load(&extended, at(40)).await);
    live(CLAUSE, store.load(&long, at(40)).await);
}

const SWEEP: usize = 16;
const MAX_SWEEPS: usize = 10_000;
