//! Random values of random types. Each is read back unchanged, or refused on writing.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::hash::Hash;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use starsessions::__private::{Format, Stored};

/// Makes random values of one type.
pub(crate) trait Make {
    fn make(random: &mut Random) -> Self;
}

#[test]
fn a_value_of_any_type_is_read_as_it_was_written_or_not_written() {
    let kept: usize = generated::TYPES.iter().map(|hold| hold()).sum();
    let all = 2 * VALUES * generated::TYPES.len();
    println!("{kept} of {all} values were written");
    assert!(kept > all / 4, "a test of refusals proves nothing");
}

/// The number of values that could be written, out of twice [`VALUES`].
fn hold<T: Make + Debug + PartialEq + Serialize + DeserializeOwned + 'static>() -> usize {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let formats = [Format::Bincode, Format::Json].into_iter();
    let all = formats.flat_map(|format| [format; VALUES]);
    all.filter(|format| keeps(*format, &T::make(&mut random)))
        .count()
}

fn keeps<T: Debug + PartialEq + Serialize + DeserializeOwned + 'static>(
    format: Format,
    value: &T,
) -> bool {
    let stored = Stored {
        format,
        version: 1,
        migrate: None,
        validate: None,
    };
    let mut bytes = Vec::new();
    let written = stored.encode(value, &mut bytes).is_ok();
    if written {
        assert_eq!(stored.decode(&bytes).as_ref(), Ok(value), "{format:?}");
    }
    written
}

const VALUES: usize = 24;

pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl Make for $number {
            fn make(random: &mut Random) -> Self {
                match random.below(4) {
                    0 => Self::MIN,
                    1 => Self::MAX,
                    2 => 0 as Self,
                    _ => random.below(300) as Self,
                }
            }
        }
    )*};
}

numbers! { u8 u16 u32 u64 i16 i64 i128 f64 }

impl Make for () {
    fn make(_: &mut Random) -> Self {}
}

impl Make for bool {
    fn make(random: &mut Random) -> Self {
        random.below(2) == 0
    }
}

impl Make for char {
    fn make(random: &mut Random) -> Self {
        ['a', 'ß', '0', '\u{10ffff}'][random.below(4)]
    }
}

impl Make for String {
    fn make(random: &mut Random) -> Self {
        ["", "a", "1", "First", "V0", "kind", "null", "ß\"\\"][random.below(8)].to_owned()
    }
}

impl Make for Duration {
    fn make(random: &mut Random) -> Self {
        Self::new(Make::make(random), random.below(1_000_000_000) as u32)
    }
}

impl<T: Make> Make for Option<T> {
    fn make(random: &mut Random) -> Self {
        (random.below(2) == 0).then(|| T::make(random))
    }
}

impl<T: Make> Make for Box<T> {
    fn make(random: &mut Random) -> Self {
        Self::new(T::make(random))
    }
}

impl<T: Make> Make for Vec<T> {
    fn make(random: &mut Random) -> Self {
        (0..random.below(4)).map(|_| T::make(random)).collect()
    }
}

impl<T: Make, U: Make> Make for (T, U) {
    fn make(random: &mut Random) -> Self {
        (T::make(random), U::make(random))
    }
}

impl<T: Make> Make for [T; 2] {
    fn make(random: &mut Random) -> Self {
        [T::make(random), T::make(random)]
    }
}

impl<K: Make + Eq + Hash, V: Make> Make for HashMap<K, V> {
    fn make(random: &mut Random) -> Self {
        Vec::make(random).into_iter().collect()
    }
}

impl<K: Make + Ord, V: Make> Make for BTreeMap<K, V> {
    fn make(random: &mut Random) -> Self {
        Vec::make(random).into_iter().collect()
    }
}

pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A `#[serde(with = ..)]` module that stores another kind of value than the type's own.
pub(crate) mod as_text {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(value: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// The usual way to distinguish an absent field from a null field.
pub(crate) mod double {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<T: Serialize, S: Serializer>(
        value: &Option<Option<T>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        value.as_ref().unwrap_or(&None).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Option<T>>, D::Error> {
        Option::deserialize(deserializer).map(Some)
    }
}

#[allow(
    dead_code,
    unused_variables,
    reason = "not every type is used, and not every one is random"
)]
mod generated {
    use super::{BTreeMap, Deserialize, HashMap, Make, Random, Serialize};

    include!(concat!(env!("OUT_DIR"), "/random.rs"));
}
