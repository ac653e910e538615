//! 23. Leaked logs.

use starsessions::{CookieStore, Key, KeyRing, MemoryStore, SessionLayer};
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
