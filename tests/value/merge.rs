//! No update is lost: the laws of each merge, and the meaning of absent or unreadable sides.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::fmt::Debug;
use std::time::Duration;

use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;
use starsessions::__private::{
    Append, Flag, Flash, Optional, Order, Present, Stored, Sum, Union, column, merge_flash,
};
use starsessions::value::{Invalid, ValueError};

use crate::support::{Value, bincode, encode};

/// If only one side has changed, its value is the result.
fn assert_identity<T: PartialEq + Debug>(merge: fn(&T, &T, &T) -> T, base: &T, other: &T) {
    assert_eq!(&merge(base, other, base), other, "only mine changed");
    assert_eq!(&merge(base, base, other), other, "only theirs changed");
}

/// The requests in `sides` have all seen `base`; they commit one after the other.
fn commit_all<T: Clone>(merge: fn(&T, &T, &T) -> T, base: &T, sides: &[T]) -> T {
    sides
        .iter()
        .fold(base.clone(), |stored, mine| merge(base, mine, &stored))
}

fn sorted<T: Ord + Clone>(items: &[T]) -> Vec<T> {
    let mut items = items.to_vec();
    items.sort();
    items
}

proptest! {
    #[test]
    fn sums_of_parallel_changes_all_count(base in -1_000_000..1_000_000_i64, changes in vec(-1000..1000_i64, 0..20)) {
        let sides: Vec<i64> = changes.iter().map(|change| base + change).collect();
        let total = base + changes.iter().sum::<i64>();
        prop_assert_eq!(commit_all(Sum::sum, &base, &sides), total);
        let backwards: Vec<i64> = sides.into_iter().rev().collect();
        prop_assert_eq!(commit_all(Sum::sum, &base, &backwards), total);
    }

    #[test]
    fn sums_stop_at_the_limits(base: i8, mine: i8, theirs: i8) {
        let exact = i64::from(theirs) + i64::from(mine) - i64::from(base);
        prop_assert_eq!(i64::from(Sum::sum(&base, &mine, &theirs)), exact.clamp(-128, 127));
        assert_identity(Sum::sum, &base, &mine);
    }

    #[test]
    fn unsigned_sums_stop_at_the_limits(base: u8, mine: u8, theirs: u8) {
        let exact = i64::from(theirs) + i64::from(mine) - i64::from(base);
        prop_assert_eq!(i64::from(Sum::sum(&base, &mine, &theirs)), exact.clamp(0, 255));
        assert_identity(Sum::sum, &base, &mine);
    }

    #[test]
    fn wide_sums_have_identity(a: (i128, u128, isize, f64), b: (i128, u128, isize, f64)) {
        assert_identity(Sum::sum, &a.0, &b.0);
        assert_identity(Sum::sum, &a.1, &b.1);
        assert_identity(Sum::sum, &a.2, &b.2);
        if !a.3.is_nan() && !b.3.is_nan() {
            assert_identity(Sum::sum, &a.3, &b.3);
        }
    }

    #[test]
    fn sets_keep_every_addition_and_every_removal(
        base in btree_set(0..30_u8, 0..12),
        mine in btree_set(0..30_u8, 0..12),
        theirs in btree_set(0..30_u8, 0..12),
    ) {
        let merged = Union::union(&base, &mine, &theirs);
        for item in 0..30 {
            let [base, mine, theirs] = [&base, &mine, &theirs].map(|set| set.contains(&item));
            let expected = if mine == base { theirs } else { mine };
            prop_assert_eq!(merged.contains(&item), expected);
        }
        prop_assert_eq!(&merged, &Union::union(&base, &theirs, &mine));
        assert_identity(Union::union, &base, &mine);
        let hashed = |set: &BTreeSet<u8>| set.iter().copied().collect::<HashSet<u8>>();
        let same = Union::union(&hashed(&base), &hashed(&mine), &hashed(&theirs));
        prop_assert_eq!(hashed(&merged), same);
    }

    #[test]
    fn maps_merge_key_by_key(
        base in btree_map(0..20_u8, 0..3_u8, 0..12),
        mine in btree_map(0..20_u8, 0..3_u8, 0..12),
        theirs in btree_map(0..20_u8, 0..3_u8, 0..12),
    ) {
        let merged = Union::union(&base, &mine, &theirs);
        for key in 0..20 {
            let [base, mine, theirs] = [&base, &mine, &theirs].map(|map| map.get(&key));
            let expected = if mine == base { theirs } else { mine };
            prop_assert_eq!(merged.get(&key), expected);
        }
        assert_identity(Union::union, &base, &mine);
        let hashed = |map: &BTreeMap<u8, u8>| map.clone().into_iter().collect::<HashMap<u8, u8>>();
        let same = Union::union(&hashed(&base), &hashed(&mine), &hashed(&theirs));
        prop_assert_eq!(hashed(&merged), same);
    }

    #[test]
    fn each_key_of_a_map_of_messages_is_a_message(
        base in btree_map(0..20_u8, 0..3_u8, 0..12),
        mine in btree_map(0..20_u8, 0..3_u8, 0..12),
        theirs in btree_map(0..20_u8, 0..3_u8, 0..12),
    ) {
        let merged = Flash::flash(&base, &mine, &theirs);
        for key in 0..20 {
            let [base, mine, theirs] = [&base, &mine, &theirs].map(|map| map.get(&key));
            let expected = match mine {
                _ if mine == base => theirs,
                // A taken value: the one that was seen is removed, a newer one stays.
                None => theirs.filter(|_| theirs != base),
                Some(_) => mine,
            };
            prop_assert_eq!(merged.get(&key), expected);
            let bytes = |side: Option<&u8>| side.map(|byte| vec![*byte]);
            let (base, mine, theirs) = (bytes(base), bytes(mine), bytes(theirs));
            let single = merge_flash(base.as_deref(), mine.as_deref(), theirs.as_deref());
            prop_assert_eq!(single.unwrap(), bytes(expected), "an `Option` has the same rule");
        }
        assert_identity(Flash::flash, &base, &mine);
        let hashed = |map: &BTreeMap<u8, u8>| map.clone().into_iter().collect::<HashMap<u8, u8>>();
        let same = Flash::flash(&hashed(&base), &hashed(&mine), &hashed(&theirs));
        prop_assert_eq!(hashed(&merged), same);
    }

    #[test]
    fn lists_keep_every_addition(base in vec(0..5_u8, 0..8), added in vec(vec(0..5_u8, 0..4), 0..5)) {
        let sides: Vec<Vec<u8>> = added.iter().map(|added| [&base[..], added].concat()).collect();
        let merged = commit_all(Append::append, &base, &sides);
        let expected = [base.clone(), added.concat()].concat();
        prop_assert_eq!(&merged, &expected, "in the order of the commits");
        let backwards: Vec<Vec<u8>> = sides.into_iter().rev().collect();
        prop_assert_eq!(sorted(&commit_all(Append::append, &base, &backwards)), sorted(&merged));
    }

    #[test]
    fn lists_count_what_each_side_changed(
        base in vec(0..4_u8, 0..10),
        mine in vec(0..4_u8, 0..10),
        theirs in vec(0..4_u8, 0..10),
    ) {
        let merged = Append::append(&base, &mine, &theirs);
        for item in 0..4 {
            let count = |list: &Vec<u8>| list.iter().filter(|other| **other == item).count();
            let added = count(&mine).saturating_sub(count(&base));
            let removed = count(&base).saturating_sub(count(&mine));
            let expected = count(&theirs).saturating_sub(removed) + added;
            prop_assert_eq!(count(&merged), expected);
        }
        prop_assert_eq!(sorted(&Append::append(&base, &mine, &base)), sorted(&mine));
        prop_assert_eq!(&Append::append(&base, &base, &theirs), &theirs);
    }

    #[test]
    fn text_is_appended(base: String, mine: String, theirs: String) {
        let all = [&base[..], &mine, &theirs].concat();
        let [mine, theirs] = [mine, theirs].map(|added| format!("{base}{added}"));
        prop_assert_eq!(Append::append(&base, &theirs, &mine), all);
        assert_identity(Append::append, &base, &mine);
    }

    #[test]
    fn the_larger_and_the_smaller(base: i32, sides in vec(any::<i32>(), 1..10)) {
        let all = || sides.iter().copied().chain([base]);
        prop_assert_eq!(commit_all(Order::max, &base, &sides), all().max().unwrap());
        prop_assert_eq!(commit_all(Order::min, &base, &sides), all().min().unwrap());
    }

    #[test]
    fn a_side_that_stands_alone_is_the_result_byte_for_byte(base: Option<u8>, other: Option<u8>) {
        fn both(merge: fn(&u8, &u8, &u8) -> u8, base: Option<&[u8]>, other: Option<&[u8]>) {
            let merged = |mine, theirs| {
                let field = Present(column(bincode()), Some(u8::default));
                field.merge(merge, base, mine, theirs)
            };
            let expected = other.map(<[u8]>::to_vec);
            assert_eq!(merged(other, base), Ok(expected.clone()));
            assert_eq!(merged(base, other), Ok(expected));
        }
        let [base, other] = [base, other].map(|value| value.map(|value| bytes(&value)));
        for merge in [Sum::sum, Order::max, Order::min] {
            both(merge, base.as_deref(), other.as_deref());
        }
    }
}

fn bytes<T: Value>(value: &T) -> Vec<u8> {
    encode(&bincode(), value).unwrap()
}

fn sum(
    default: Option<fn() -> u64>,
    base: Option<&[u8]>,
    mine: Option<&[u8]>,
    theirs: Option<&[u8]>,
) -> Option<u64> {
    let field = Present(column(bincode()), default);
    let merged = field.merge(Sum::sum, base, mine, theirs).unwrap();
    merged.map(|bytes| bincode().decode(&bytes).unwrap())
}

#[test]
fn an_absent_side_has_the_default() {
    let [two, five, ten, twelve] = [2, 5, 10, 12].map(|number: u64| bytes(&number));
    let zero: Option<fn() -> u64> = Some(u64::default);
    assert_eq!(sum(zero, None, Some(&two), Some(&five)), Some(7));
    assert_eq!(sum(zero, Some(&ten), None, Some(&twelve)), Some(2));
    assert_eq!(sum(zero, Some(&ten), Some(&twelve), None), Some(2));
    assert_eq!(sum(Some(|| 1), None, Some(&two), Some(&five)), Some(6));
    assert_eq!(sum(zero, Some(&ten), None, None), None);
    assert_eq!(sum(zero, Some(&ten), None, Some(&ten)), None);
}

#[test]
fn without_a_default_mine_wins_over_an_absent_side() {
    let [two, five, ten] = [2, 5, 10].map(|number: u64| bytes(&number));
    assert_eq!(sum(None, None, Some(&two), Some(&five)), Some(2));
    assert_eq!(sum(None, Some(&ten), None, Some(&five)), None);
    assert_eq!(sum(None, Some(&ten), Some(&five), None), Some(5));
    assert_eq!(sum(None, Some(&ten), Some(&five), Some(&two)), Some(0));
}

#[test]
fn unreadable_sides() {
    let [two, five] = [2, 5].map(|number: u64| bytes(&number));
    let other = bytes(&"text".to_owned());
    let zero: Option<fn() -> u64> = Some(u64::default);
    assert_eq!(sum(zero, Some(&other), Some(&two), Some(&five)), Some(7));
    assert_eq!(sum(zero, None, Some(&two), Some(&other)), Some(2));
    let count = Present(column(bincode()), zero);
    let result = count.merge(Sum::sum, None, Some(&other), Some(&two));
    assert!(
        matches!(result, Err(ValueError::OtherShape { .. })),
        "{result:?}"
    );
}

#[test]
fn the_result_is_validated_and_bounded() {
    let stored = Stored {
        validate: Some(|count: &u64| match count {
            0..10 => Ok(()),
            _ => Err(Invalid::new("more than nine")),
        }),
        ..bincode()
    };
    let [two, five, eight] = [2, 5, 8].map(|number: u64| bytes(&number));
    let count = Present(column(stored), Some(u64::default));
    let merge = |mine, theirs| count.merge(Sum::sum, None, Some(mine), Some(theirs));
    assert_eq!(merge(&*two, &*five), Ok(Some(bytes(&7_u64))));
    let invalid = ValueError::Invalid(Invalid::new("more than nine"));
    assert_eq!(merge(&*five, &*eight), Err(invalid));

    let [a, b] = ["a", "b"].map(|letter| bytes(&letter.repeat(40_000)));
    let text = Present(column(bincode()), Some(String::new));
    let merged = text.merge(Append::append, None, Some(&a), Some(&b));
    assert_eq!(merged, Err(ValueError::TooLarge { limit: 65_536 }));
}

#[test]
fn options_decide_about_absence_themselves() {
    fn longer(
        base: &Option<String>,
        mine: &Option<String>,
        theirs: &Option<String>,
    ) -> Option<String> {
        let longest = [base, mine, theirs]
            .into_iter()
            .flatten()
            .max_by_key(|text| text.len());
        longest.filter(|text| text.len() < 9).cloned()
    }
    let text = Optional(column(bincode()));
    let merge = |base: Option<&str>, mine: Option<&str>, theirs: Option<&str>| {
        let [base, mine, theirs] =
            [base, mine, theirs].map(|side| side.map(|text| bytes(&text.to_owned())));
        let merged = text.merge(longer, base.as_deref(), mine.as_deref(), theirs.as_deref());
        merged
            .unwrap()
            .map(|bytes| bincode::<String>().decode(&bytes).unwrap())
    };
    assert_eq!(merge(None, Some("a"), Some("bb")).as_deref(), Some("bb"));
    assert_eq!(merge(Some("ccc"), None, Some("bb")).as_deref(), Some("ccc"));
    assert_eq!(merge(Some("a"), None, Some("too long to be kept")), None);
    assert_eq!(merge(Some("a"), None, Some("a")), None);

    let unreadable = bytes(&1_u8);
    let mine = bytes(&"a".to_owned());
    let merged = text.merge(longer, None, Some(&mine), Some(&unreadable));
    assert_eq!(merged, Ok(Some(mine)));
    assert_eq!(
        text.merge(longer, None, None, Some(&unreadable)),
        Ok(Some(unreadable))
    );
}

#[test]
fn policies_treat_an_absent_option_as_empty() {
    assert_eq!(Sum::sum(&Some(5_u8), &None, &Some(7)), Some(2));
    assert_eq!(Order::max(&None, &Some(1), &None), Some(1));
    let [one, two] = [1, 2].map(|item| Some(BTreeSet::from([item])));
    assert_eq!(
        Union::union(&None, &one, &two),
        Some(BTreeSet::from([1, 2]))
    );
    let [one, two] = [1, 2].map(|item| Some(vec![item]));
    assert_eq!(Append::append(&None, &one, &two), Some(vec![2, 1]));
}

#[test]
fn flags() {
    for (mine, theirs) in [(false, false), (false, true), (true, false), (true, true)] {
        assert_eq!(Flag::and(&true, &mine, &theirs), mine && theirs);
        assert_eq!(Flag::or(&false, &mine, &theirs), mine || theirs);
    }
}

#[test]
fn sums_of_durations_and_floats() {
    let seconds = Duration::from_secs;
    assert_eq!(Sum::sum(&seconds(5), &seconds(7), &seconds(6)), seconds(8));
    assert_eq!(
        Sum::sum(&seconds(5), &seconds(0), &seconds(4)),
        Duration::ZERO
    );
    assert_eq!(
        Sum::sum(&seconds(0), &Duration::MAX, &seconds(4)),
        Duration::MAX
    );
    assert_eq!(Sum::sum(&1.0, &1.5, &2.0), 2.5);
    assert_eq!(Sum::sum(&0.0, &f64::MAX, &f64::MAX), f64::MAX);
    assert_eq!(Sum::sum(&f64::INFINITY, &2.0, &f64::INFINITY), 2.0);
    let infinities = Sum::sum(&1.0, &f64::NEG_INFINITY, &f64::INFINITY);
    assert_eq!(infinities, f64::NEG_INFINITY);
    assert!(Order::max(&0.0, &1.0, &f64::NAN).is_nan());
    assert!(Order::min(&0.0, &1.0, &f64::NAN).is_nan());
}

#[test]
fn long_lists_in_another_order_lose_nothing_and_take_no_time() {
    // If the merge searched the list for each element, it would need two to the power of 32 comparisons.
    let base: Vec<u32> = (0..65_536).collect();
    let mine: Vec<u32> = (0..65_536).rev().collect();
    let theirs: Vec<u32> = (0..65_537).rev().collect();
    let merged = Append::append(&base, &mine, &theirs);
    let distinct: BTreeSet<u32> = merged.iter().copied().collect();
    assert!(distinct.into_iter().eq(0..65_537));
}

#[test]
fn an_element_that_moved_is_neither_lost_nor_doubled() {
    let base: Vec<u32> = (0..2_000).collect();
    let mine: Vec<u32> = (0..2_000).rev().collect();
    let theirs: Vec<u32> = (1..2_001).collect();
    let merged = Append::append(&base, &mine, &theirs);
    assert_eq!(merged, theirs);
}
