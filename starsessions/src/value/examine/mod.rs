//! Examines a type without a value of it: the type reads sample values, and each accepted sample is written
//! and read back.
//!
//! This finds faults of the type at its first use, not when such a value first occurs: for example a variant
//! that is left out on one side, or the need for a self-describing format. A type that accepts no sample is
//! not judged: each write is checked anyway.

mod plan;
mod sample;
mod sampler;

use std::any::TypeId;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use self::plan::{Plan, Run, Seen};
use self::sampler::Sampler;
use super::round_trip::try_round_trip;
use super::{Detail, Format, Incomplete, Refusal, Stored, Value, ValueError, trace, type_name};

/// The verdict on `T` in this format, computed once per process.
pub(super) fn examine<T: Value>(format: Format) -> Verdict {
    let key = (TypeId::of::<T>(), format);
    let known = VERDICTS.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(verdict) = known.get(&key) {
        return verdict.clone();
    }
    drop(known);
    // Without the lock, because this runs code of the type.
    let verdict = explore(format, type_name::<T>(), judge::<T>);
    let mut known = VERDICTS.write().unwrap_or_else(PoisonError::into_inner);
    known.insert(key, verdict.clone());
    verdict
}

/// The mark of a sample's names and kinds, and its encoding.
pub(super) type Written = (u32, Vec<u8>);

/// Encoded samples of `T`; none if the type accepts no sample.
pub(super) fn written<T: Value>(format: Format) -> Vec<Written> {
    let mut plan = Plan::default();
    let mut all = Vec::new();
    while plan.goes_on() {
        let (written, seen) = attempt(&plan, format, |value: &T| write(value, format));
        plan.learn(&seen, written.is_some());
        all.extend(written.and_then(Result::ok));
    }
    all
}

fn write<T: Value>(value: &T, format: Format) -> Result<Written, ValueError> {
    let mut bytes = Vec::new();
    Stored::plain(format).encode(value, &mut bytes)?;
    let trace = trace(value, format.is_human_readable(), Detail::Names);
    let mark = trace.map_err(Refusal::into_error::<T>)?.mark;
    Ok((mark, bytes))
}

/// The error for a type that asked bincode to describe the value.
pub(super) fn self_describing<T: Value>() -> ValueError {
    match examine::<T>(Format::Bincode) {
        Err(error @ ValueError::Unsupported { .. }) => error,
        _ => asks(type_name::<T>(), "".into()),
    }
}

fn asks(type_name: &'static str, path: Arc<str>) -> ValueError {
    let reason = Incomplete::SelfDescribing { path };
    ValueError::Unsupported { type_name, reason }
}

/// Calls `then` with one sample; `None` if the type does not accept the sample.
fn attempt<T: Value, R>(
    plan: &Plan,
    format: Format,
    then: impl FnOnce(&T) -> R,
) -> (Option<R>, Seen) {
    let run = Run::new(plan, format.is_human_readable());
    // A type may panic at an unexpected value; then it is not judged.
    let result = catch_unwind(AssertUnwindSafe(|| {
        let value = Sampler::sample(&run).ok()?;
        Some(then(&value))
    }));
    (result.unwrap_or_default(), run.seen)
}

/// Whether one sample survives a round trip.
fn judge<T: Value>(plan: &Plan, format: Format) -> (Option<Verdict>, Seen) {
    attempt(plan, format, |value: &T| try_round_trip(format, value))
}

/// Not generic, so that it is compiled once.
fn explore(
    format: Format,
    type_name: &'static str,
    judge: fn(&Plan, Format) -> (Option<Verdict>, Seen),
) -> Verdict {
    let mut plan = Plan::default();
    while plan.goes_on() || (format == Format::Bincode && plan.vary()) {
        let (verdict, seen) = judge(&plan, format);
        let is_varied = plan.varies;
        match verdict {
            // No application would store some of the varied samples, so their only failure that counts is a type that
            // the codec cannot carry.
            Some(Err(error)) if !is_varied || matches!(error, ValueError::Unsupported { .. }) => {
                return Err(error);
            }
            None if format == Format::Bincode && !is_varied => {
                if let Some(path) = seen.asked.take() {
                    return Err(asks(type_name, path));
                }
            }
            _ => {}
        }
        plan.learn(&seen, verdict.is_some());
    }
    Ok(())
}

type Verdict = Result<(), ValueError>;
type Verdicts = HashMap<(TypeId, Format), Verdict>;

static VERDICTS: LazyLock<RwLock<Verdicts>> = LazyLock::new(RwLock::default);

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::collections::{BTreeMap, BTreeSet};

    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::*;

    #[derive(Serialize, Deserialize)]
    #[rustfmt::skip]
    enum Day {
        D1(u8), D2(u8), D3(u8), D4(u8), D5(u8), D6(u8), D7(u8), D8(u8), D9(u8), D10(u8),
        D11(u8), D12(u8), D13(u8), D14(u8), D15(u8), D16(u8), D17(u8), D18(u8), D19(u8), D20(u8),
        D21(u8), D22(u8), D23(u8), D24(u8), D25(u8), D26(u8), D27(u8), D28(u8), D29(u8), D30(u8),
    }

    #[test]
    fn each_of_many_variants_is_made_up() {
        assert_eq!(marks::<Day>(), 30);
    }

    /// The number of different marks among the samples.
    fn marks<T: Value>() -> usize {
        let all = written::<T>(Format::Bincode);
        BTreeSet::from_iter(all.iter().map(|(mark, _)| mark)).len()
    }

    /// A text whose type accepts few values.
    #[derive(PartialEq, Eq, PartialOrd, Ord, Serialize)]
    struct Strict<const LENGTH: usize>(String);

    impl<'de, const LENGTH: usize> Deserialize<'de> for Strict<LENGTH> {
        fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
            let text = String::deserialize(source)?;
            let fits = text.len() == LENGTH;
            fits.then_some(Self(text)).ok_or(D::Error::custom("length"))
        }
    }

    #[derive(Serialize, Deserialize)]
    enum Either {
        Long(Strict<64>),
        Short(Strict<24>),
    }

    #[test]
    fn samples_are_tried_at_each_place_until_one_is_accepted() {
        assert_eq!(marks::<(Strict<64>, Strict<24>)>(), 1);
        assert_eq!(marks::<Either>(), 2);
        assert_eq!(marks::<BTreeMap<Strict<64>, Strict<24>>>(), 2);
        assert_eq!(marks::<Strict<5_000>>(), 0);
    }

    /// serde names the aliases of a variant as if they were variants.
    #[derive(Serialize, Deserialize)]
    enum Renamed {
        A,
        B,
        #[serde(alias = "d", alias = "e", alias = "f", alias = "g", alias = "h")]
        C,
    }

    #[test]
    fn an_alias_is_no_variant() {
        assert!(marks::<[Renamed; 8]>() > 4);
    }

    #[derive(Serialize, Deserialize)]
    struct Endless(Box<Self>);

    #[test]
    fn a_type_without_an_end_is_asked_up_to_a_limit() {
        assert_eq!(examine::<Endless>(Format::Bincode), Ok(()));
        assert_eq!(marks::<Endless>(), 0);
    }

    /// Survives a round trip only if it is empty, like the first sample.
    #[derive(Deserialize)]
    struct Doubled(String);

    impl Serialize for Doubled {
        fn serialize<S: Serializer>(&self, target: S) -> Result<S::Ok, S::Error> {
            target.serialize_str(&self.0.repeat(2))
        }
    }

    #[test]
    fn a_sample_that_no_application_may_store_is_no_reason_to_refuse_the_type() {
        assert_eq!(examine::<Doubled>(Format::Bincode), Ok(()));
    }

    #[test]
    fn what_no_codec_carries_is_known_without_a_value() {
        let reason = Incomplete::EmptyElements;
        let type_name = type_name::<Vec<()>>();
        let unsupported = Err(ValueError::Unsupported { type_name, reason });
        assert_eq!(examine::<Vec<()>>(Format::Bincode), unsupported);
    }

    #[cfg(feature = "json")]
    #[test]
    fn json_describes_itself() {
        assert_eq!(examine::<serde_json::Value>(Format::Json), Ok(()));
    }

    thread_local! {
        static ASKED: Cell<usize> = const { Cell::new(0) };
    }

    #[derive(Serialize)]
    struct Counted(u8);

    impl<'de> Deserialize<'de> for Counted {
        fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
            ASKED.set(ASKED.get() + 1);
            u8::deserialize(source).map(Self)
        }
    }

    #[test]
    fn a_large_type_is_asked_no_more_than_a_bounded_number_of_times() {
        type Large = [[[Counted; 16]; 16]; 16];
        assert_eq!(examine::<Large>(Format::Bincode), Ok(()));
        // Each accepted sample is read back as well.
        assert!(ASKED.get() < 3 * (1 << 16), "{}", ASKED.get());
    }
}
