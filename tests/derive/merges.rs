//! The merge of each field, on the stored bytes of its values.

use std::collections::BTreeSet;
use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use starsessions::__private::{Format, Merge, Stored};
use starsessions::Session;

use crate::field;

#[derive(Session)]
struct Merged {
    #[session(merge = sum)]
    views: u64,
    #[session(merge = sum, default = 10)]
    stock: u32,
    #[session(merge = sum)]
    maybe: Option<i64>,
    #[session(merge = max)]
    best: u32,
    #[session(merge = min)]
    least: u32,
    #[session(merge = and)]
    agreed: bool,
    #[session(merge = or)]
    seen: bool,
    #[session(merge = union)]
    pages: BTreeSet<u8>,
    #[session(merge = append)]
    log: Vec<u8>,
    #[session(merge = longest)]
    query: String,
    #[session(merge = policies::present)]
    choice: Option<u8>,
    #[session(merge = self::sum)]
    own: u8,
    #[session(required, merge = max)]
    level: u8,
}

/// The signature that clippy asks for: `&str` and not `&String`.
fn longest(_base: &str, mine: &str, theirs: &str) -> String {
    if mine.len() > theirs.len() {
        mine
    } else {
        theirs
    }
    .to_owned()
}

fn sum(base: &u8, mine: &u8, theirs: &u8) -> u8 {
    base * 100 + mine * 10 + theirs
}

mod policies {
    pub(super) fn present<T: Copy>(
        _base: &Option<T>,
        mine: &Option<T>,
        theirs: &Option<T>,
    ) -> Option<T> {
        mine.or(*theirs)
    }
}

#[test]
fn each_policy_is_the_one_that_is_named() {
    assert_merges("views", [Some(10_u64), Some(12), Some(15)], Some(17));
    assert_merges("maybe", [Some(10_i64), Some(9), Some(15)], Some(14));
    assert_merges("best", [Some(1_u32), Some(2), Some(3)], Some(3));
    assert_merges("least", [Some(9_u32), Some(2), Some(3)], Some(2));
    assert_merges("agreed", [Some(true), Some(false), None], Some(false));
    assert_merges("seen", [None, Some(true), Some(false)], Some(true));
    let set = |values: &[u8]| Some(values.iter().copied().collect::<BTreeSet<_>>());
    assert_merges(
        "pages",
        [set(&[1]), set(&[1, 2]), set(&[1, 3])],
        set(&[1, 2, 3]),
    );
    let list = |values: &[u8]| Some(values.to_vec());
    assert_merges(
        "log",
        [list(&[1]), list(&[1, 2]), list(&[1, 3])],
        list(&[1, 3, 2]),
    );
    assert_merges("level", [Some(1_u8), Some(5), Some(3)], Some(5));
}

#[test]
fn a_function_gets_base_mine_and_theirs() {
    let text = |text: &str| Some(text.to_owned());
    assert_merges("query", [text(""), text("ab"), text("abc")], text("abc"));
    assert_merges("own", [Some(1_u8), Some(2), Some(3)], Some(123));
}

#[test]
fn an_absent_value_is_the_default_of_the_field() {
    assert_merges("views", [None, Some(2_u64), Some(5)], Some(7));
    assert_merges("stock", [None, Some(8_u32), Some(9)], Some(7));
}

#[test]
fn an_absent_option_is_none_to_the_policy() {
    assert_merges("choice", [Some(1_u8), None, Some(3)], Some(3));
    assert_merges("choice", [Some(1_u8), Some(2), None], Some(2));
}

/// Asserts the result of merging the three sides' values of a field of [`Merged`].
#[expect(
    clippy::needless_pass_by_value,
    reason = "values read better in a table"
)]
fn assert_merges<T>(name: &str, sides: [Option<T>; 3], expected: Option<T>)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug + 'static,
{
    let stored = Stored::<T> {
        format: Format::Bincode,
        version: 1,
        migrate: None,
        validate: None,
    };
    let Merge::With(merge) = field::<Merged>(&format!("merged.{name}")).merge else {
        panic!("{name} has no policy");
    };
    let [base, mine, theirs] = sides.map(|side| {
        side.map(|value| {
            let mut bytes = Vec::new();
            stored.encode(&value, &mut bytes).unwrap();
            bytes
        })
    });
    let merged = merge(base.as_deref(), mine.as_deref(), theirs.as_deref()).unwrap();
    let merged = merged.map(|bytes| stored.decode(&bytes).unwrap());
    assert_eq!(merged, expected, "{name}");
}
