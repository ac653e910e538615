//! `union` and `append`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

use super::{merged, merged_from_nothing, policy};

policy!(Union, UnionOption: merge = union);
policy!(Append, AppendOption: merge = append);

fn words<C: FromIterator<String>>(words: &str) -> C {
    words.split_whitespace().map(str::to_owned).collect()
}

/// Parses `a=1 b=2`.
fn pairs<C: FromIterator<(String, u32)>>(pairs: &str) -> C {
    let pair = |text: &str| {
        let (key, value) = text.split_once('=').unwrap();
        (key.to_owned(), value.parse().unwrap())
    };
    pairs.split_whitespace().map(pair).collect()
}

/// Items that either side added are kept; items that either side removed are gone: base, theirs, mine, result.
const SETS: [[&str; 4]; 7] = [
    ["a", "a b", "a c", "a b c"],
    ["a b", "b", "a", ""],
    ["a b", "b", "a b c", "b c"],
    ["a b", "a b c", "b", "b c"],
    ["", "a b", "b c", "a b c"],
    ["a", "b", "c", "b c"],
    ["a b c", "", "a b c d", "d"],
];

/// As for sets, key by key; if both sides changed the same key, this request wins.
const MAPS: [[&str; 4]; 7] = [
    ["a=1", "a=1 b=2", "a=1 c=3", "a=1 b=2 c=3"],
    ["a=1 b=2", "b=2", "a=1", ""],
    ["a=1 b=2", "a=5 b=2", "a=1 b=6", "a=5 b=6"],
    ["a=1", "a=2", "a=3", "a=3"],
    ["a=1", "", "a=3", "a=3"],
    ["a=1", "a=2", "", ""],
    ["", "a=1", "a=2", "a=2"],
];

macro_rules! union {
    ($($test:ident $collection:ident $cases:ident $parse:ident;)*) => {$(
        #[tokio::test]
        async fn $test() {
            type C = $collection;
            for case @ [base, theirs, mine, result] in $cases {
                let [base, theirs, mine, result]: [C; 4] = [base, theirs, mine, result].map($parse);
                let sides = (base.clone(), theirs.clone(), mine.clone());
                let plain = merged::<Union<C>>(sides.0, sides.1, sides.2);
                assert_eq!(plain.await, result, "{case:?}");
                let optional = merged::<UnionOption<C>>(Some(base), Some(theirs), Some(mine));
                assert_eq!(optional.await, Some(result), "{case:?} in options");
            }
        }
    )*};
}

type HashWords = HashSet<String>;
type TreeWords = BTreeSet<String>;
type HashPairs = HashMap<String, u32>;
type TreePairs = BTreeMap<String, u32>;

union! {
    a_union_of_hash_sets HashWords SETS words;
    a_union_of_tree_sets TreeWords SETS words;
    a_union_of_hash_maps HashPairs MAPS pairs;
    a_union_of_tree_maps TreePairs MAPS pairs;
}

#[tokio::test]
async fn an_absent_set_counts_as_empty() {
    let union = merged_from_nothing::<Union<TreeWords>>(words("a"), words("b"));
    assert_eq!(union.await, words("a b"));
    let theirs = Some(words("a"));
    let union = merged_from_nothing::<UnionOption<TreeWords>>(theirs, Some(words("b")));
    assert_eq!(union.await, Some(words("a b")));
    let base = Some(words("a"));
    let union = merged::<UnionOption<TreeWords>>(base, Some(words("a b")), None);
    assert_eq!(
        union.await,
        Some(words("b")),
        "what was there is removed, what came stays"
    );
}

/// Items that this request added go to the end; items that it removed are gone: base, theirs, mine, result.
const LISTS: [[&str; 4]; 8] = [
    ["a", "a b", "a c", "a b c"],
    ["", "a", "a", "a a"],
    ["a b", "b", "a b c", "b c"],
    ["a b", "a b c", "b", "b c"],
    ["a a", "a a b", "a", "a b"],
    ["a b", "b a", "a b c", "b a c"],
    ["a b", "", "b", ""],
    ["a", "a b", "c a", "a b c"],
];

#[tokio::test]
async fn lists_grow_at_the_end() {
    for case @ [base, theirs, mine, result] in LISTS {
        let [base, theirs, mine, result]: [Vec<String>; 4] =
            [base, theirs, mine, result].map(words);
        let deque = |list: &Vec<String>| VecDeque::from_iter(list.clone());

        let deques = merged::<Append<VecDeque<String>>>(deque(&base), deque(&theirs), deque(&mine));
        assert_eq!(deques.await, deque(&result), "{case:?} in deques");
        let sides = (base.clone(), theirs.clone(), mine.clone());
        let lists = merged::<Append<Vec<String>>>(sides.0, sides.1, sides.2);
        assert_eq!(lists.await, result, "{case:?}");
        let optional = merged::<AppendOption<Vec<String>>>(Some(base), Some(theirs), Some(mine));
        assert_eq!(optional.await, Some(result), "{case:?} in options");
    }
}

#[tokio::test]
async fn text_grows_at_the_end_and_is_replaced_otherwise() {
    for [base, theirs, mine, result] in [
        ["log:", "log: a", "log: b", "log: a b"],
        ["", "a", "b", "ab"],
        ["log:", "log: a", "new", "new"],
        ["log:", "new", "log: b", "new b"],
    ] {
        let [base, theirs, mine, result] = [base, theirs, mine, result].map(str::to_owned);
        let sides = (base.clone(), theirs.clone(), mine.clone());
        assert_eq!(
            merged::<Append<String>>(sides.0, sides.1, sides.2).await,
            result
        );
        let optional = merged::<AppendOption<String>>(Some(base), Some(theirs), Some(mine));
        assert_eq!(optional.await, Some(result));
    }
}

#[tokio::test]
async fn an_absent_list_counts_as_empty() {
    let list = merged_from_nothing::<Append<Vec<u8>>>(vec![1], vec![2]);
    assert_eq!(list.await, [1, 2]);
    let list = merged_from_nothing::<AppendOption<Vec<u8>>>(Some(vec![1]), Some(vec![2]));
    assert_eq!(list.await, Some(vec![1, 2]));
}
