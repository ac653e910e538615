//! A row as bytes: under one key of Redis, and in a way that carries its successor.
//!
//! ```text
//! row     = head ‖ listing ‖ value
//! head    = format(1) ‖ revision(8) ‖ deadline(8) ‖ last_seen(8)
//! listing = 0(1), or 1(1) ‖ count(8) ‖ index_key(32)* ‖ length(8) ‖ card
//! ```
//!
//! Integers are big-endian, times Unix seconds, index keys in ascending order. Each row has exactly one packed form;
//! `unpack` rejects all other bytes. A revision is never used twice under a key. So comparing the heads, or all bytes,
//! compares the rows.

use std::sync::Arc;

use bytes::{Buf, BufMut};

use super::{Listing, Row};
use crate::clock::Timestamp;
use crate::crypto::IndexKey;

/// The bytes of a row.
pub(crate) fn pack(row: &Row) -> Vec<u8> {
    let mut bytes = head(row);
    bytes.reserve(USUAL_LISTING + row.value.len());
    bytes.put_u8(row.listing.is_some().into());
    if let Some(listing) = &row.listing {
        bytes.put_u64(listing.index_keys().len() as u64);
        for index_key in listing.index_keys() {
            bytes.put_slice(index_key.as_bytes());
        }
        bytes.put_u64(listing.card().len() as u64);
        bytes.put_slice(listing.card());
    }
    bytes.put_slice(&row.value);
    bytes
}

/// The beginning of a packed row, which distinguishes it from all others under its key.
pub(super) fn head(row: &Row) -> Vec<u8> {
    let mut head = Vec::with_capacity(GLANCE);
    head.put_u8(FORMAT);
    head.put_u64(row.revision);
    head.put_u64(row.deadline.as_unix_seconds());
    head.put_u64(row.last_seen.as_unix_seconds());
    head
}

/// Reads the first [`GLANCE`] bytes of a packed row: the row without its listing and value, and whether it has a listing.
pub(super) fn glance(bytes: &mut &[u8]) -> Option<(Row, bool)> {
    if bytes.try_get_u8().ok()? != FORMAT {
        return None;
    }
    let revision = bytes.try_get_u64().ok()?;
    // Exactly, so that a row has one packed form.
    let mut time = || Timestamp::of_exactly(bytes.try_get_u64().ok()?);
    let (deadline, last_seen) = (time()?, time()?);
    let mut row = Row::new(Arc::<[u8]>::default(), last_seen, deadline);
    row.revision = revision;
    match bytes.try_get_u8().ok()? {
        is_listed @ 0..=1 => Some((row, is_listed == 1)),
        _ => None,
    }
}

/// The row that was packed; `None` if the bytes are not a packed row.
pub(crate) fn unpack(mut bytes: &[u8]) -> Option<Row> {
    let (mut row, is_listed) = glance(&mut bytes)?;
    if is_listed {
        row.listing = Some(Arc::new(unpack_listing(&mut bytes)?));
    }
    row.value = bytes.into();
    Some(row)
}

fn unpack_listing(bytes: &mut &[u8]) -> Option<Listing> {
    let count = usize::try_from(bytes.try_get_u64().ok()?).ok()?;
    let index_keys = bytes.split_off(..count.checked_mul(IndexKey::LEN)?)?;
    let (index_keys, _) = index_keys.as_chunks();
    // A listing sorts its keys, so it would be packed in another form.
    if !index_keys.is_sorted_by(|key, next| key < next) {
        return None;
    }
    let len = usize::try_from(bytes.try_get_u64().ok()?).ok()?;
    let index_keys = index_keys.iter().copied().map(IndexKey::from_bytes);
    Some(Listing::new(index_keys.collect(), bytes.split_off(..len)?))
}

/// The first version of this layout.
const FORMAT: u8 = 1;
/// The head, and whether there is a listing.
pub(super) const GLANCE: usize = 1 + 8 + 8 + 8 + 1;
/// Room for one index key and a short card.
const USUAL_LISTING: usize = 128;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn time() -> impl Strategy<Value = Timestamp> {
        any::<u64>().prop_map(Timestamp::from_unix_seconds)
    }

    fn listing() -> impl Strategy<Value = Arc<Listing>> {
        let index_key = any::<[u8; IndexKey::LEN]>().prop_map(IndexKey::from_bytes);
        let index_keys = proptest::collection::vec(index_key, 0..4);
        (index_keys, any::<Vec<u8>>()).prop_map(|(keys, card)| Arc::new(Listing::new(keys, card)))
    }

    fn row() -> impl Strategy<Value = Row> {
        let listing = proptest::option::of(listing());
        let value = any::<Vec<u8>>();
        (any::<u64>(), time(), time(), value, listing).prop_map(
            |(revision, deadline, last_seen, value, listing)| Row {
                revision,
                deadline,
                last_seen,
                value: value.into(),
                listing,
            },
        )
    }

    /// What another program may do to a packed row.
    #[derive(Clone, Debug)]
    enum Edit {
        Noise(usize, Vec<u8>),
        /// The last second, as the time at this place.
        LastSecond(usize),
        /// The first index key, also as the second.
        Doubled,
        /// The first two index keys, in the other order.
        Swapped,
    }

    fn edit() -> impl Strategy<Value = Edit> {
        prop_oneof![
            any::<(usize, Vec<u8>)>().prop_map(|(place, noise)| Edit::Noise(place, noise)),
            Just(Edit::LastSecond(DEADLINE)),
            Just(Edit::LastSecond(LAST_SEEN)),
            Just(Edit::Doubled),
            Just(Edit::Swapped),
        ]
    }

    impl Edit {
        fn change(self, packed: &mut Vec<u8>) {
            match self {
                Self::Noise(place, noise) => drop(packed.splice(place % packed.len().., noise)),
                Self::LastSecond(place) => packed[place..place + 8].fill(u8::MAX),
                // Without two index keys, these move other bytes.
                Self::Doubled | Self::Swapped if packed.len() < INDEX_KEYS + 64 => {}
                Self::Doubled => packed.copy_within(INDEX_KEYS..INDEX_KEYS + 32, INDEX_KEYS + 32),
                Self::Swapped => packed[INDEX_KEYS..INDEX_KEYS + 64].rotate_left(32),
            }
        }
    }

    const DEADLINE: usize = 1 + 8;
    const LAST_SEEN: usize = DEADLINE + 8;
    const INDEX_KEYS: usize = GLANCE + 8;

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked_and_begins_with_its_head(row in row()) {
            let packed = pack(&row);
            prop_assert!(packed.starts_with(&head(&row)));
            prop_assert_eq!(unpack(&packed), Some(row));
        }

        #[test]
        fn a_row_has_one_packed_form(row in row(), edit in edit()) {
            let mut packed = pack(&row);
            edit.change(&mut packed);
            if let Some(row) = unpack(&packed) {
                prop_assert_eq!(pack(&row), packed);
            }
        }

        #[test]
        fn a_row_that_was_cut_short_is_malformed(row in row(), place: usize) {
            let packed = pack(&row);
            let place = place % (packed.len() - row.value.len());
            prop_assert_eq!(unpack(&packed[..place]), None);
        }
    }
}
