//! The trace of a value that serde shows while it is serialized: its names, its kinds, and its content.
//!
//! bincode writes no names and no kinds, so a value that was written before its type changed would often
//! still decode, into something else. The *mark* is a hash of the names and kinds that occur in a value. It
//! travels with the value; a reader that decodes the bytes into a value of another mark knows another type.
//! The *content* is a hash of everything: it says whether two values are the same to serde.

mod hash;
mod tracer;

use serde::Serialize;

use self::hash::Hashes;
pub(super) use self::hash::{fold, text};
use self::tracer::Tracer;
use super::Refusal;
use super::walk::Walker;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trace {
    /// A hash of the structs, fields, variants and kinds that occur in the value. How often they occur in a list
    /// or map, and in which order, does not matter: the elements of a list have one type.
    pub(super) mark: u32,
    /// A hash of all that, of how often it occurs, and of the values if they are asked for. The order in a list or map
    /// does not matter, because a `HashMap` has another one in each instance.
    pub(super) content: u64,
}

/// How much the hash of the content covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Detail {
    /// Names and kinds.
    Names,
    /// The values, too.
    Values,
}

/// The trace of `value`, as a format shows it that is `human_readable` or not.
pub(super) fn trace<T: Serialize + ?Sized>(
    value: &T,
    human_readable: bool,
    detail: Detail,
) -> Result<Trace, Refusal> {
    let mut tracer = Tracer {
        hashes: Hashes::START,
        human_readable,
        detail,
    };
    value.serialize(Walker(&mut tracer))?;
    Ok(tracer.hashes.finish())
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use super::*;

    fn mark<T: Serialize>(value: &T) -> u32 {
        trace(value, false, Detail::Names).unwrap().mark
    }

    fn content<T: Serialize>(value: &T) -> u64 {
        trace(value, false, Detail::Values).unwrap().content
    }

    #[test]
    fn the_mark_says_what_occurs_in_a_list_and_not_how_often() {
        assert_eq!(mark(&vec![1_u8]), mark(&vec![1_u8, 2, 3]));
        assert_eq!(
            mark(&vec![Some(1_u8), None, Some(2)]),
            mark(&vec![None, Some(1_u8)])
        );
        assert_ne!(mark(&vec![Some(1_u8)]), mark(&vec![Some(1_u8), None]));
        assert_ne!(mark(&vec![Some(1_u8)]), mark(&vec![Some(1_u16)]));
    }

    #[test]
    fn the_content_knows_every_value_and_no_order_of_a_set() {
        let sets = [
            HashSet::from([1, 2, 3, 4, 5]),
            HashSet::from([5, 4, 3, 2, 1]),
        ];
        assert_eq!(content(&sets[0]), content(&sets[1]));
        assert_ne!(content(&vec![1, 1, 2]), content(&vec![1, 2, 2]));
        assert_ne!(content(&(1, 2)), content(&(2, 1)));
        assert_ne!(
            content(&vec![Ok::<u8, u8>(1), Err(2)]),
            content(&vec![Ok::<u8, u8>(2), Err(1)])
        );
        assert_ne!(content(&1_u128), content(&(1_u128 << 64 | 1)));
        assert_ne!(content(&Some(None::<u8>)), content(&None::<Option<u8>>));
        assert_ne!(
            content(&BTreeMap::from([(1, 2), (3, 4)])),
            content(&BTreeMap::from([(1, 4), (3, 2)]))
        );
        assert_ne!(content(&["ab", "c"]), content(&["a", "bc"]));
    }
}
