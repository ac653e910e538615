//! What the compiler says about mistakes, word for word.
//!
//! Each file in `fail` has one mistake and is named after it; `everything_at_once.rs` has many of its topic, as all errors come at
//! once, and `consequences` shows that a mistake has none. `TRYBUILD=overwrite` rewrites the expected output: read what changes.

#[test]
fn mistakes_are_explained() {
    trybuild::TestCases::new().compile_fail("fail/*/*.rs");
}
