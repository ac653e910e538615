//! `sum`, `max`, `min`, `and`, `or`, `last`.

use std::time::Duration;

use starsessions::Session;
use starsessions_tests::client::Client;

use super::{Beside, merged, merged_from_nothing, policy};

policy!(Sum, SumOption: merge = sum);
policy!(Max, MaxOption: merge = max);
policy!(Min, MinOption: merge = min);
policy!(And: merge = and);
policy!(Or: merge = or);
policy!(Last, LastOption: merge = last);
policy!(Unsaid, UnsaidOption: rename = "value");

/// Both changes count, up or down, and saturate at the type's limits.
macro_rules! integers {
    ($($integer:ident)*) => {$(
        #[tokio::test]
        async fn $integer() {
            type N = $integer;
            for (base, theirs, mine, sum) in [
                (10, 15, 12, 17),
                (10, 15, 7, 12),
                (10, 4, 7, 1),
                (10, 4, 12, 6),
                (10, 15, 15, 20),
                (0, N::MAX, 1, N::MAX),
                (1, N::MAX, 0, N::MAX - 1),
                (5, N::MIN, 3, N::MIN),
                (5, N::MIN, 6, N::MIN + 1),
                (N::MIN, 0, N::MAX, N::MAX),
                (N::MAX, 0, N::MIN, N::MIN),
            ] {
                let case = format!("{base} {theirs} {mine}");
                assert_eq!(merged::<Sum<N>>(base, theirs, mine).await, sum, "{case}");
                let optional = merged::<SumOption<N>>(Some(base), Some(theirs), Some(mine));
                assert_eq!(optional.await, Some(sum), "{case} in options");
            }
        }
    )*};
}

mod a_sum_keeps_both_changes_of_an {
    use super::*;

    integers! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize }
}

#[tokio::test]
async fn a_sum_of_floats_stays_finite() {
    for (base, theirs, mine, sum) in [
        (1.0, 1.5, 2.0, 2.5),
        (1.0, 1.5, 0.0, 0.5),
        (0.0, f64::MAX, f64::MAX, f64::MAX),
        (0.0, f64::MIN, f64::MIN, f64::MIN),
    ] {
        assert_eq!(merged::<Sum<f64>>(base, theirs, mine).await, sum);
        let optional = merged::<SumOption<f64>>(Some(base), Some(theirs), Some(mine));
        assert_eq!(optional.await, Some(sum));
    }
    assert_eq!(merged::<Sum<f32>>(1.0, 1.5, 2.0).await, 2.5);
}

#[tokio::test]
async fn a_sum_of_durations_does_not_wrap() {
    let s = Duration::from_secs;
    assert_eq!(merged::<Sum<Duration>>(s(10), s(15), s(12)).await, s(17));
    assert_eq!(merged::<Sum<Duration>>(s(10), s(1), s(3)).await, s(0));
    let max = Duration::MAX;
    assert_eq!(merged::<Sum<Duration>>(s(0), max, s(1)).await, max);
    let optional = merged::<SumOption<Duration>>(Some(s(10)), Some(s(15)), Some(s(12)));
    assert_eq!(optional.await, Some(s(17)));
}

#[tokio::test]
async fn an_absent_number_counts_as_zero_in_a_sum() {
    assert_eq!(merged_from_nothing::<Sum<u32>>(5, 3).await, 8);
    assert_eq!(
        merged_from_nothing::<SumOption<u32>>(Some(5), Some(3)).await,
        Some(8)
    );
    assert_eq!(
        merged::<SumOption<u32>>(Some(10), Some(12), None).await,
        Some(2)
    );
    assert_eq!(
        merged::<SumOption<u32>>(Some(10), None, Some(12)).await,
        Some(2)
    );
}

#[tokio::test]
async fn a_removal_that_nobody_contradicts_stays_one() {
    assert_eq!(merged::<SumOption<u32>>(Some(1), None, None).await, None);
    assert_eq!(
        merged::<Sum<Option<u32>>>(Some(1), None, None).await,
        None,
        "a stored `None`"
    );
    assert_eq!(merged::<SumOption<u32>>(Some(1), Some(1), None).await, None);
    assert_eq!(merged::<SumOption<u32>>(Some(1), None, Some(1)).await, None);
}

#[tokio::test]
async fn the_larger_is_kept() {
    for (theirs, mine) in [(15, 12), (12, 15)] {
        assert_eq!(merged::<Max<u64>>(10, theirs, mine).await, 15);
        assert_eq!(
            merged::<MaxOption<u64>>(Some(10), Some(theirs), Some(mine)).await,
            Some(15)
        );
        assert_eq!(
            merged_from_nothing::<MaxOption<u64>>(Some(theirs), Some(mine)).await,
            Some(15)
        );
    }
    assert_eq!(
        merged::<Max<u64>>(10, 3, 4).await,
        4,
        "of the two new values"
    );
    assert_eq!(
        merged::<Max<String>>("b".into(), "c".into(), "d".into()).await,
        "d"
    );
    assert_eq!(
        merged::<MaxOption<u64>>(Some(10), Some(3), None).await,
        Some(3)
    );
}

#[tokio::test]
async fn the_smaller_is_kept() {
    for (theirs, mine) in [(5, 8), (8, 5)] {
        assert_eq!(merged::<Min<i32>>(10, theirs, mine).await, 5);
        assert_eq!(
            merged::<MinOption<i32>>(Some(10), Some(theirs), Some(mine)).await,
            Some(5)
        );
    }
    assert_eq!(
        merged::<Min<i32>>(1, 3, 4).await,
        3,
        "of the two new values"
    );
    assert_eq!(
        merged::<MinOption<i32>>(Some(10), Some(3), None).await,
        None
    );
}

/// If both sides change a flag, they change it to the same value, unless one side writes a value that was only the
/// default before.
#[derive(Session)]
struct Flags {
    #[session(merge = and)]
    all: bool,
    #[session(merge = or)]
    any: bool,
    #[session(merge = and, default = true)]
    all_by_default: bool,
    #[session(merge = or, default = true)]
    any_by_default: bool,
}

#[tokio::test]
async fn flags_are_joined() {
    let mut browser = Client::guest();
    let begin = |it: &mut Session<Beside>| it.here = true;
    browser.with(begin).await;
    let mut other = browser.clone();
    browser
        .held(
            |flags: &mut Session<Flags>| {
                (flags.all, flags.any) = (true, true);
                (flags.all_by_default, flags.any_by_default) = (false, false);
            },
            async {
                let defaults = Flags {
                    all: false,
                    any: false,
                    all_by_default: true,
                    any_by_default: true,
                };
                other.insert(defaults).await;
            },
        )
        .await;
    browser
        .with(|flags: &mut Session<Flags>| {
            assert!(!flags.all, "they said no");
            assert!(flags.any, "this one said yes");
            assert!(!flags.all_by_default, "this one said no");
            assert!(flags.any_by_default, "they said yes");
        })
        .await;
}

#[tokio::test]
async fn flags_that_both_sides_change_are_what_both_say() {
    assert!(!merged::<And<bool>>(true, false, false).await);
    assert!(merged::<And<bool>>(false, true, true).await);
    assert!(!merged::<Or<bool>>(true, false, false).await);
    assert!(merged::<Or<bool>>(false, true, true).await);
}

#[tokio::test]
async fn the_later_one_wins_by_default_and_by_last() {
    assert_eq!(merged::<Last<u32>>(1, 2, 3).await, 3);
    assert_eq!(merged::<Unsaid<u32>>(1, 2, 3).await, 3);
    assert_eq!(
        merged::<LastOption<u32>>(Some(1), Some(2), None).await,
        None
    );
    assert_eq!(
        merged::<UnsaidOption<u32>>(Some(1), None, Some(3)).await,
        Some(3)
    );
}

#[tokio::test]
async fn only_what_changed_is_written_also_by_the_later_one() {
    assert_eq!(merged::<Last<u32>>(1, 2, 1).await, 2, "mine is no change");
    assert_eq!(
        merged::<Max<u32>>(9, 2, 9).await,
        2,
        "theirs alone, whatever the policy"
    );
}
