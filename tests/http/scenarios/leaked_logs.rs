//! 23. Leaked logs.

use std::sync::Arc;

use starsessions::keys::Key;
use starsessions::store::{IndexKey, Listed, Listing, Rotation, Row, RowKey};
use starsessions::{CookieStore, KeyRing, MemoryStore, SessionLayer, Timestamp};
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

/// Rows in memory are not sealed, and stores log their arguments.
#[test]
fn scenario_23_no_value_is_in_the_debug_output_of_what_a_store_is_given() {
    let (now, value, card) = (Timestamp::default(), b"hunter2", b"correct horse");
    let mut row = Row::new(*value, now, now);
    let listing = Listing::new(vec![IndexKey::from_bytes([7; 32])], *card);
    row.listing = Some(Arc::new(listing));
    let key = RowKey::from_bytes([9; 32]);
    let rotation = Rotation::new(&key, &row, &row, &key, &row);
    let shown = format!("{row:?} {rotation:#?} {:?}", Listed::new(key, &row));
    for spelling in spellings(value).iter().chain(&spellings(card)) {
        assert!(!contains(shown.as_bytes(), spelling), "{shown}");
    }
    assert!(shown.contains("7 bytes"), "{shown}");
}
