//! Knowledge of a type before there is a value of it: made-up values are read as the type, and each
//! that it accepts is written and read back.
//!
//! It finds what depends on the type, such as a variant that is left out on one side or a type that needs a
//! format that describes itself, at the first use and not on the day when such a value comes. A type that
//! accepts no made-up value is not judged: each write is checked anyway.

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

/// The verdict on `T` in this format; found out once in a process.
pub(super) fn examine<T: Value>(format: Format) -> Verdict {
    let key = (TypeId::of::<T>(), format);
    let known = VERDICTS.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(verdict) = known.get(&key) {
        return verdict.clone();
    }
    drop(known);
    // Outside of the lock, because this runs the code of the type.
    let verdict = explore(format, type_name::<T>(), judge::<T>);
    let mut known = VERDICTS.write().unwrap_or_else(PoisonError::into_inner);
    known.insert(key, verdict.clone());
    verdict
}

/// A made-up value as it is written, behind the mark of the names and kinds that occur in it.
pub(super) type Written = (u32, Vec<u8>);

/// Some values of `T` as they are written; none if the type accepts no made-up value.
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

/// Does this with one made-up value; `None` if the type does not accept it.
fn attempt<T: Value, R>(
    plan: &Plan,
    format: Format,
    then: impl FnOnce(&T) -> R,
) -> (Option<R>, Seen) {
    let run = Run::new(plan, format != Format::Bincode);
    // A type may panic at a value that it never expected; then it is not judged.
    let result = catch_unwind(AssertUnwindSafe(|| {
        let value = Sampler::sample(&run).ok()?;
        Some(then(&value))
    }));
    (result.unwrap_or_default(), run.seen)
}

/// Whether one made-up value comes back.
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
            // No application would store some of the samples. So the only failure of theirs that counts is a type that the
            // codec never carries.
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
