//! 23. Leaked logs.

use bytes::Bytes;
use starsessions::store::{Commit, Field, FieldWrite, Record, Rotation, Touch};
use starsessions::{CookieStore, Key, KeyRing, MemoryStore, SessionLayer, Timestamp};
use starsessions_tests::scenarios::{contains, spellings};

#[test]
fn scenario_23_no_key_is_in_any_debug_output() {
    let bytes = std::array::from_fn(|i| ((i * i * 2_654_435_761) >> 13) as u8);
    let key = || Key::from_bytes(bytes).unwrap();
    let ring = KeyRing::new(Key::generate().unwrap())
        .accept(key(), None)
        .unwrap();
    let builder = SessionLayer::builder(CookieStore::sealed(), KeyRing::new(key()));
    let layer = SessionLayer::new(MemoryStore::new(), KeyRing::new(key()));
    let shown = format!(
        "{:?} {ring:?} {builder:?} {layer:?} {:#?}",
        key(),
        KeyRing::new(key())
    );
    for spelling in spellings(&bytes).iter().chain(&spellings(&bytes[..6])) {
        assert!(!contains(shown.as_bytes(), spelling), "{shown}");
    }
}

/// What a store is given in memory is not sealed, and stores log what they were asked for.
#[test]
fn scenario_23_no_value_is_in_the_debug_output_of_what_a_store_is_given() {
    let (now, value) = (Timestamp::default(), Bytes::from_static(b"hunter2"));
    let mut record = Record::new(now, now);
    let field = Field::new(value.clone(), 1);
    record.fields.insert("login.pin".into(), field);
    let mut commit = Commit::new(Touch::new(now, now));
    let write = FieldWrite::new(value.clone());
    commit.set.push(("login.pin".into(), write));
    let shown = format!(
        "{record:?} {commit:#?} {:?}",
        Rotation::new(record.clone(), None)
    );
    for spelling in spellings(&value) {
        assert!(!contains(shown.as_bytes(), &spelling), "{shown}");
    }
    assert!(
        shown.contains("login.pin") && shown.contains("7 bytes"),
        "{shown}"
    );
}
