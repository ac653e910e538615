//! The trace of a value: hashes of the names, kinds and content that serde shows during serialization.
//!
//! bincode writes no names and no kinds, so a value that was written before its type changed would often
//! still decode, as another value. The *mark* is a hash of the names and kinds that occur in a value. It is
//! stored with the value. If the decoded value has another mark, the type has changed. The *content* is a
//! hash of everything: equal hashes mean equal values for serde.

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
    /// A hash of the structs, fields, variants and kinds that occur in the value. Their number and order in a list or
    /// map do not matter, because the elements of a list have one type.
    pub(super) mark: u32,
    /// A hash of the same and of how often each occurs; with [`Detail::Values`], also of the values. The order in a
    /// list or map does not matter, because each instance of a `HashMap` has another order.
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

/// The trace of `value`, in a format that is `human_readable` or not.
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
