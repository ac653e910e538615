//! A request commits exactly the fields whose values differ; many concurrent changes of the same fields merge by their
//! rules.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use http::StatusCode;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};
use starsessions::{KeyRing, MemoryStore, Session, SessionLayer};
use starsessions_tests::client::{Client, Once};
use starsessions_tests::spy::{Spy, Write};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Choice {
    Nothing,
    Number(u32),
    Text { text: String, on: bool },
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Nested {
    list: Vec<Option<Choice>>,
    pair: (u8, i64),
}

/// A session type whose fields can be mixed with those of another value, one bit for each.
macro_rules! mixable {
    (
        struct $name:ident {
            $($(#[session($($attribute:tt)*)])* $field:ident: $type:ty,)*
        }
    ) => {
        #[derive(Clone, Debug, PartialEq, Session)]
        #[session(namespace = "view")]
        struct $name {
            $($(#[session($($attribute)*)])* $field: $type,)*
        }

        impl $name {
            /// Takes over the fields whose bit is set.
            fn take_over(&mut self, mask: u32, other: &Self) {
                let mut bit = 1_u32;
                $(
                    if mask & bit != 0 {
                        self.$field = other.$field.clone();
                    }
                    bit <<= 1;
                )*
                let _ = bit;
            }

            /// The stored names of all fields, with whether they differ.
            fn differences(&self, other: &Self) -> BTreeMap<String, bool> {
                [$((
                    concat!("view.", stringify!($field)).to_owned(),
                    self.$field != other.$field,
                )),*]
                .into()
            }
        }
    };
}

mixable! {
    struct Everything {
        flag: bool,
        small: u8,
        large: u128,
        signed: i64,
        float: f64,
        letter: char,
        text: String,
        bytes: Vec<u8>,
        tuple: (u8, String),
        set: BTreeSet<u16>,
        map: BTreeMap<String, Vec<u8>>,
        maybe: Option<u32>,
        maybe_maybe: Option<Option<bool>>,
        nested: Nested,
        choice: Option<Choice>,
        #[session(codec = json)]
        json: Nested,
    }
}

fn choice() -> impl Strategy<Value = Choice> {
    prop_oneof![
        Just(Choice::Nothing),
        any::<u32>().prop_map(Choice::Number),
        ("[a-c]{0,3}", any::<bool>()).prop_map(|(text, on)| Choice::Text { text, on }),
    ]
}

fn nested() -> impl Strategy<Value = Nested> {
    let list = vec(option::of(choice()), 0..4);
    (list, any::<(u8, i64)>()).prop_map(|(list, pair)| Nested { list, pair })
}

prop_compose! {
    fn everything()(
        (flag, small, large, signed, letter) in any::<(bool, u8, u128, i64, char)>(),
        float in -1e300..1e300,
        text in ".{0,20}",
        bytes in vec(any::<u8>(), 0..20),
        tuple in (any::<u8>(), "[a-z]{0,5}"),
        set in btree_set(any::<u16>(), 0..5),
        map in btree_map("[a-z]{0,3}", vec(any::<u8>(), 0..3), 0..4),
        (maybe, maybe_maybe) in any::<(Option<u32>, Option<Option<bool>>)>(),
        (nested, json) in (nested(), nested()),
        choice in option::of(choice()),
    ) -> Everything {
        Everything {
            flag, small, large, signed, float, letter, text, bytes, tuple, set, map, maybe,
            maybe_maybe, nested, choice, json,
        }
    }
}

mixable! {
    struct Merging {
        #[session(merge = sum)]
        sum: i16,
        #[session(merge = sum)]
        maybe_sum: Option<u8>,
        #[session(merge = max)]
        max: u8,
        #[session(merge = min)]
        min: Option<u8>,
        #[session(merge = union)]
        set: BTreeSet<u8>,
        #[session(merge = union)]
        map: BTreeMap<u8, u8>,
        #[session(merge = append)]
        list: Vec<u8>,
        last: Option<u8>,
    }
}

prop_compose! {
    fn merging()(
        sum in prop_oneof![-20..20_i16, any::<i16>()],
        maybe_sum in option::of(prop_oneof![0..9_u8, any::<u8>()]),
        max in 0..4_u8,
        (min, last) in (option::of(0..4_u8), option::of(0..4_u8)),
        set in btree_set(0..5_u8, 0..4),
        map in btree_map(0..4_u8, 0..3_u8, 0..4),
        list in vec(0..3_u8, 0..4),
    ) -> Merging {
        Merging { sum, maybe_sum, max, min, set, map, list, last }
    }
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn a_request_commits_the_fields_whose_value_differs_and_no_others(
        first in everything(),
        edits in vec((any::<u32>(), everything()), 1..4),
    ) {
        block_on(commits_what_differs(first, edits));
    }

    #[test]
    fn requests_at_once_merge_to_what_the_rules_say(
        first in merging(),
        edits in vec((any::<u32>(), merging()), 2..6),
    ) {
        block_on(merges_by_the_rules(first, edits));
    }
}

fn block_on(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(test);
}

/// Applies several edits in one request, each on top of the last.
async fn commits_what_differs(first: Everything, edits: Vec<(u32, Everything)>) {
    let spy = Spy::new(MemoryStore::new());
    let layer = SessionLayer::dev(spy.clone(), KeyRing::generate().unwrap());
    let mut browser = Client::behind(layer);
    browser.insert(first.clone()).await;
    assert_eq!(spy.take_writes().len(), 1);

    let before = first.clone();
    let after = browser
        .with(move |view: &mut Session<Everything>| {
            assert_eq!(**view, before);
            for (mask, edit) in &edits {
                view.take_over(*mask, edit);
            }
            (**view).clone()
        })
        .await;
    let mut written = BTreeSet::new();
    for entry in spy.take_writes() {
        let Write::Replace { .. } = entry else {
            panic!("a write: {entry:?}");
        };
        assert!(written.is_empty(), "one write, with something in it");
        let difference = entry.difference();
        written = difference
            .set
            .into_iter()
            .chain(difference.removed)
            .collect();
        assert!(!written.is_empty());
    }
    let mut differs = first.differences(&after);
    differs.retain(|_, differs| *differs);
    assert!(written.iter().eq(differs.keys()), "{written:?} {differs:?}");
    let read = browser
        .with(|view: &mut Session<Everything>| (**view).clone())
        .await;
    assert_eq!(read, after);
    assert!(spy.take_writes().is_empty(), "reading writes nothing");
}

/// All requests have loaded the first value; then they write one after the other.
async fn merges_by_the_rules(first: Merging, edits: Vec<(u32, Merging)>) {
    let mut browser = Client::guest();
    browser.insert(first.clone()).await;

    let mut expected = first.clone();
    let mut requests = JoinSet::new();
    let mut turns = Vec::new();
    for (mask, edit) in edits {
        let mut mine = first.clone();
        mine.take_over(mask, &edit);
        expected.merge(&first, &mine);

        let (loaded, is_loaded) = oneshot::channel();
        let (start, may_start) = oneshot::channel::<()>();
        let (finished, is_finished) = oneshot::channel();
        let parts = Once::new((loaded, may_start));
        let mut tab = browser.clone();
        requests.spawn(async move {
            let reply = tab
                .visit(async move |mut view: Session<Merging>| {
                    let (loaded, may_start) = parts.take();
                    loaded.send(()).unwrap();
                    may_start.await.unwrap();
                    view.take_over(mask, &edit);
                })
                .await;
            assert_eq!(reply.status, StatusCode::OK);
            finished.send(()).unwrap();
        });
        is_loaded.await.unwrap();
        turns.push((start, is_finished));
    }
    for (start, is_finished) in turns {
        start.send(()).unwrap();
        is_finished.await.unwrap();
    }
    requests.join_all().await;
    let merged = browser
        .with(|view: &mut Session<Merging>| (**view).clone())
        .await;
    assert_eq!(merged, expected, "{:?}", merged.differences(&expected));
}

impl Merging {
    /// `self` is the stored value; `mine` was made from `base`.
    fn merge(&mut self, base: &Self, mine: &Self) {
        self.sum = three_way(base.sum, mine.sum, self.sum, |base, mine, theirs| {
            let exact = i32::from(theirs) + i32::from(mine) - i32::from(base);
            i16::try_from(exact).unwrap_or(if exact < 0 { i16::MIN } else { i16::MAX })
        });
        let maybe_sum = |base: Option<u8>, mine: Option<u8>, theirs: Option<u8>| {
            if mine.is_none() && theirs.is_none() {
                return None;
            }
            let number = |side: Option<u8>| i32::from(side.unwrap_or(0));
            let exact = number(theirs) + number(mine) - number(base);
            Some(u8::try_from(exact.clamp(0, 255)).unwrap())
        };
        self.maybe_sum = three_way(base.maybe_sum, mine.maybe_sum, self.maybe_sum, maybe_sum);
        self.max = three_way(base.max, mine.max, self.max, |_, mine, theirs| {
            mine.max(theirs)
        });
        self.min = three_way(base.min, mine.min, self.min, |_, mine, theirs| {
            mine.min(theirs)
        });
        self.last = three_way(base.last, mine.last, self.last, |_, mine, _| mine);
        for item in base.set.union(&mine.set) {
            match (base.set.contains(item), mine.set.contains(item)) {
                (true, false) => drop(self.set.remove(item)),
                (false, true) => drop(self.set.insert(*item)),
                _ => {}
            }
        }
        for key in 0..4 {
            match (base.map.get(&key), mine.map.get(&key)) {
                (base, Some(mine)) if base != Some(mine) => drop(self.map.insert(key, *mine)),
                (Some(_), None) => drop(self.map.remove(&key)),
                _ => {}
            }
        }
        let (added, removed) = (minus(&mine.list, &base.list), minus(&base.list, &mine.list));
        self.list = if self.list == base.list {
            mine.list.clone()
        } else {
            [minus(&self.list, &removed), added].concat()
        };
    }
}

/// The rule decides only if both sides have changed.
fn three_way<V: PartialEq>(base: V, mine: V, theirs: V, rule: fn(V, V, V) -> V) -> V {
    if mine == base {
        theirs
    } else if theirs == base {
        mine
    } else {
        rule(base, mine, theirs)
    }
}

/// The items without the others; each of the others removes one item.
fn minus(items: &[u8], others: &[u8]) -> Vec<u8> {
    let mut left = items.to_vec();
    for other in others {
        if let Some(place) = left.iter().position(|item| item == other) {
            left.remove(place);
        }
    }
    left
}
