//! The part of a session that its owner's other sessions may read, and how long each index key leads to the session.
//!
//! ```text
//! card = version u8 ‖ flags u8 ‖ created u40 ‖ issued u40 ‖ count u8 ‖ (place u8 ‖ deadline u40)* ‖ [successor(32)] ‖ label
//! ```
//!
//! A deadline belongs to the field of the index key at that place. A successor is present while the session moves to
//! another key in a store that cannot change two keys at once. A claim is the place of a sign-in that is under way.

use super::{TIME, bits, flags, put_time, time};
use crate::clock::Timestamp;
use crate::crypto::RowKey;

/// A session as a list shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Card {
    pub(crate) created_at: Timestamp,
    pub(crate) issued_at: Timestamp,
    pub(crate) remembered: bool,
    /// The places of the index keys that expire, with their deadlines.
    pub(crate) deadlines: Vec<(u8, Timestamp)>,
    /// The card of a claim, not of a session.
    pub(crate) is_claim: bool,
    /// A device must prove itself to use the session.
    pub(crate) is_bound: bool,
    /// The key to which the session is moving.
    pub(crate) successor: Option<RowKey>,
    /// The user's name for the session; empty if there is none.
    pub(crate) label: Vec<u8>,
}

impl Card {
    /// The bytes to seal.
    pub(crate) fn pack(&self) -> Vec<u8> {
        let times = (1 + TIME) * self.deadlines.len();
        let mut out = Vec::with_capacity(HEAD + times + RowKey::LEN + self.label.len());
        out.push(VERSION);
        out.push(flags([
            self.remembered,
            self.successor.is_some(),
            self.is_claim,
            self.is_bound,
        ]));
        put_time(self.created_at, &mut out);
        put_time(self.issued_at, &mut out);
        // The count has one byte, so at most 255 deadlines are kept.
        let count = u8::try_from(self.deadlines.len()).unwrap_or(u8::MAX);
        out.push(count);
        for (place, deadline) in self.deadlines.iter().take(usize::from(count)) {
            out.push(*place);
            put_time(*deadline, &mut out);
        }
        if let Some(successor) = &self.successor {
            out.extend_from_slice(successor.as_bytes());
        }
        out.extend_from_slice(&self.label);
        out
    }

    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (head, rest) = bytes.split_first_chunk::<HEAD>()?;
        let [version, flags, times @ .., count] = head;
        let [remembered, moves, is_claim, is_bound] = bits(*flags)?;
        let (created, issued) = times.split_first_chunk()?;
        let (deadlines, rest) = rest.split_at_checked(usize::from(*count) * (1 + TIME))?;
        let (successor, label) = if moves {
            let (key, label) = rest.split_first_chunk()?;
            (Some(RowKey::from_bytes(*key)), label)
        } else {
            (None, rest)
        };
        let deadline = |entry: &[u8]| {
            let (place, at) = entry.split_first()?;
            Some((*place, time(at.first_chunk()?)))
        };
        (*version == VERSION).then_some(Self {
            created_at: time(created),
            issued_at: time(issued.first_chunk()?),
            remembered,
            deadlines: deadlines
                .chunks_exact(1 + TIME)
                .filter_map(deadline)
                .collect(),
            is_claim,
            is_bound,
            successor,
            label: label.to_vec(),
        })
    }

    /// Whether the index key at this place leads to the session now.
    pub(crate) fn is_filed(&self, place: usize, now: Timestamp) -> bool {
        let mut deadlines = self.deadlines.iter();
        deadlines.all(|(at, deadline)| usize::from(*at) != place || now < *deadline)
    }
}

const VERSION: u8 = 1;
/// The bytes in front of the deadlines.
const HEAD: usize = 3 + 2 * TIME;
