//! What the compiler says about mistakes, word for word, and what it must accept.
//!
//! Each file in `fail` is one mistake and is named after it; each topic has one file with many of them, for all errors
//! come at once. `TRYBUILD=overwrite` rewrites the expected output, which belongs to the stable compiler of the day.

#[test]
fn mistakes_are_explained() {
    trybuild::TestCases::new().compile_fail("ui/fail/*/*.rs");
}
