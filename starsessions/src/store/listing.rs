//! The listing of a session, by which its owner's other sessions find it.

use std::fmt;

use crate::crypto::IndexKey;

/// The index keys by which a session is found, and the card that a search shows.
#[derive(Clone)]
pub struct Listing(Form);

/// Compact, because a store in memory has one for each signed-in session.
#[derive(Clone)]
enum Form {
    /// One key, and a card without a label, stored in place: behind an `Arc`, the listing is one allocation.
    Usual {
        key: [IndexKey; 1],
        len: u8,
        card: [u8; CARD_IN_PLACE],
    },
    Other(Box<(Vec<IndexKey>, Vec<u8>)>),
}

impl Listing {
    /// A listing under these keys.
    #[must_use]
    pub fn new(mut index_keys: Vec<IndexKey>, card: impl AsRef<[u8]>) -> Self {
        index_keys.sort_unstable();
        index_keys.dedup();
        let bytes = card.as_ref();
        let mut card = [0; CARD_IN_PLACE];
        Self(
            match (
                &*index_keys,
                card.get_mut(..bytes.len()),
                u8::try_from(bytes.len()),
            ) {
                ([key], Some(place), Ok(len)) => {
                    place.copy_from_slice(bytes);
                    let key = [*key];
                    Form::Usual { key, len, card }
                }
                _ => Form::Other(Box::new((index_keys, bytes.to_vec()))),
            },
        )
    }

    /// The keys that the session is filed under, in ascending order, without duplicates. Often one, rarely none.
    #[must_use]
    pub fn index_keys(&self) -> &[IndexKey] {
        match &self.0 {
            Form::Usual { key, .. } => key,
            Form::Other(other) => &other.0,
        }
    }

    /// The part that the owner's other sessions may read.
    #[must_use]
    pub fn card(&self) -> &[u8] {
        match &self.0 {
            Form::Usual { len, card, .. } => card.get(..usize::from(*len)).unwrap_or_default(),
            Form::Other(other) => &other.1,
        }
    }
}

impl PartialEq for Listing {
    fn eq(&self, other: &Self) -> bool {
        self.index_keys() == other.index_keys() && self.card() == other.card()
    }
}

impl Eq for Listing {}

/// Shows the length of the card, not the card.
impl fmt::Debug for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listing")
            .field("index_keys", &self.index_keys())
            .field("card", &format_args!("{} bytes", self.card().len()))
            .finish()
    }
}

/// Room for a card without a label, or with a short one.
const CARD_IN_PLACE: usize = 21;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_holds_what_it_was_made_from_in_place_and_in_a_box() {
        let keys = [1, 2, 3].map(|byte| IndexKey::from_bytes([byte; IndexKey::LEN]));
        for count in 0..=keys.len() {
            for length in [0, 1, CARD_IN_PLACE, CARD_IN_PLACE + 1, 300] {
                let card = vec![7; length];
                let listing = Listing::new(keys[..count].to_vec(), &card);
                assert_eq!(listing.index_keys(), &keys[..count]);
                assert_eq!(listing.card(), card);
            }
        }
    }

    #[test]
    fn the_usual_listing_takes_80_bytes_of_memory_behind_an_arc() {
        let key = IndexKey::from_bytes([1; IndexKey::LEN]);
        let listing = Listing::new(vec![key], [0; 13]);
        assert!(matches!(listing.0, Form::Usual { .. }));
        // Two counters, and what most allocators keep in front of a block.
        assert!(size_of::<Listing>() + 24 <= 80);
    }
}
