//! Session types under every lint that users may deny.
//!
//! The types are public in a library, because several lints check public items only. The test is that this file compiles
//! and that `cargo clippy` reports nothing.

#![deny(
    warnings,
    missing_docs,
    missing_debug_implementations,
    elided_lifetimes_in_paths,
    explicit_outlives_requirements,
    keyword_idents,
    let_underscore_drop,
    redundant_lifetimes,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unit_bindings,
    unreachable_pub,
    unsafe_code,
    unused_extern_crates,
    unused_import_braces,
    unused_lifetimes,
    unused_macro_rules,
    unused_qualifications,
    unused_results,
    variant_size_differences,
    clippy::all,
    clippy::pedantic,
    clippy::nursery,
    clippy::cargo
)]
#![allow(clippy::cargo_common_metadata, clippy::multiple_crate_versions)]

use std::borrow::Cow;

use starsessions::Session;
use starsessions::value::OldValue;

/// A public type.
#[derive(Session, Debug)]
#[session(reject = "/login", validate = sane, realm = "admin")]
pub struct Shop {
    /// A private field with several attributes.
    #[session(required, rotate, index)]
    user: u64,
    /// A public field.
    #[session(merge = sum, default = 1)]
    pub views: u64,
    /// A field that is visible in the crate.
    #[session(merge = newest, validate = short)]
    pub(crate) page: String,
    #[session(version = 2, migrate = from_v1, secret)]
    price: Option<u64>,
    /// The derive puts this path into a closure, which Clippy checks.
    #[session(merge = larger)]
    size: u64,
    #[session(default = Vec::new())]
    cart: Vec<Private>,
    #[session(skip)]
    scratch: Option<String>,
}

/// A public generic type with a private type in a bound.
#[derive(Session, Debug)]
pub struct Page<'a, T, const N: usize> {
    items: Vec<Wrapped<T>>,
    title: Cow<'a, str>,
    #[session(skip)]
    sizes: Vec<[u8; N]>,
}

/// A deprecated type.
#[deprecated]
#[derive(Session, Debug)]
pub struct Old {
    /// A field.
    pub views: u64,
}

/// A type with a deprecated field.
#[derive(Session, Debug)]
pub struct Aging {
    /// A deprecated field.
    #[deprecated]
    #[session(merge = sum)]
    pub views: u64,
    /// A field of a deprecated type.
    #[allow(deprecated)]
    pub other: Option<Deprecated>,
}

/// A deprecated value.
#[deprecated]
#[derive(serde::Serialize, serde::Deserialize, Debug, Clone, Copy)]
pub struct Deprecated;

#[derive(serde::Serialize, serde::Deserialize, Debug, Clone, Copy)]
struct Private;

#[derive(serde::Serialize, serde::Deserialize, Debug, Clone, Copy)]
struct Wrapped<T>(T);

fn sane(shop: &Shop) -> Result<(), String> {
    if shop.views < 100 && shop.scratch.is_none() {
        Ok(())
    } else {
        Err("too many views".to_owned())
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "a policy takes references, whatever the type"
)]
const fn larger(_base: &u64, mine: &u64, theirs: &u64) -> u64 {
    if *mine > *theirs { *mine } else { *theirs }
}

const fn short(page: &str) -> Result<(), &'static str> {
    if page.len() < 100 {
        Ok(())
    } else {
        Err("too long")
    }
}

fn newest(_base: &str, mine: &str, _theirs: &str) -> String {
    mine.to_owned()
}

fn from_v1(old: OldValue<'_>) -> Result<u64, starsessions::value::ValueError> {
    old.decode::<u32>().map(u64::from)
}
