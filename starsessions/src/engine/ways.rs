//! Ways, from a former id to its successor.

use std::sync::Arc;
use std::time::Duration;

use super::server_side::ServerSide;
use crate::clock::Timestamp;
use crate::crypto::{RandomError, ReferenceToken, SealError, Way, WayKind};
use crate::store::{Listing, Row, packed};

impl WayKind {
    /// Whether requests with the former id go on under the new one.
    pub(super) fn is_forward(self) -> bool {
        self == Self::Forward
    }

    /// Whether the successor is the same session, so that requests that had loaded it under the former id may still
    /// write to it.
    pub(super) fn carries(self) -> bool {
        self != Self::Anew
    }
}

impl ServerSide {
    /// A successor of this id, and the way there: open for a short time to requests that go on, longer to those that
    /// end the session.
    pub(super) fn succeed(
        &self,
        token: &ReferenceToken,
        kind: WayKind,
        now: Timestamp,
    ) -> Result<Way, RandomError> {
        let for_how_long = if kind.is_forward() {
            self.context.policy.renewal_grace
        } else {
            ENDING_GRACE
        };
        token.succeed(kind, now + for_how_long, &self.context.keys)
    }

    /// The way in a row, while it is open, and the successor's row, while the way carries it.
    pub(super) fn way(
        &self,
        token: &ReferenceToken,
        row: &Row,
        now: Timestamp,
    ) -> Option<(Way, Option<Row>)> {
        let (way, carried) = token.read_way(&row.value, &self.context.keys, now)?;
        let carried = carried.and_then(|row| packed::unpack(&row));
        (now < way.until && row.is_live(now)).then_some((way, carried))
    }
}

/// The row with a way that replaces `before`.
pub(super) fn left(way: &Way, before: &Row) -> Row {
    leave(way.as_bytes().into(), way.until, before)
}

/// The same, with a copy of the successor's row.
pub(super) fn left_with(
    token: &ReferenceToken,
    way: &Way,
    row: &Row,
    before: &Row,
    listing: Option<Arc<Listing>>,
) -> Result<Row, SealError> {
    // A sign-in that has stopped half-way leaves a session whose id no browser has. Its place among the user's sessions
    // becomes free as soon as the request cannot go on any more.
    let until = if way.kind.is_forward() {
        way.until
    } else {
        let earlier = (ENDING_GRACE - MOVING_TIME).as_secs();
        Timestamp::from_unix_seconds(way.until.as_unix_seconds().saturating_sub(earlier))
    };
    let value = token.seal_way(way, &packed::pack(row))?;
    let mut left = leave(value.into(), until, before);
    left.listing = listing;
    Ok(left)
}

fn leave(value: Arc<[u8]>, until: Timestamp, before: &Row) -> Row {
    let mut left = Row::new(value, before.last_seen, until);
    left.revision = before.next_revision();
    left
}

/// How long after a change of the id a request may still arrive to end the session under the former id, or still write
/// what it has changed if it had loaded the session before.
pub(crate) const ENDING_GRACE: Duration = Duration::from_secs(60);
/// How long a session may take to move from one key to the other.
const MOVING_TIME: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{IndexKey, KeyRing};

    /// More index keys than a count in one byte can tell.
    #[test]
    fn a_way_carries_its_successor_with_300_index_keys() {
        let at = Timestamp::from_unix_seconds;
        let keys = KeyRing::generate().unwrap();
        let token = ReferenceToken::mint(&keys).unwrap();
        let way = token.succeed(WayKind::Forward, at(60), &keys).unwrap();
        let index_key = |n: u16| {
            let [a, b] = n.to_be_bytes();
            IndexKey::from_bytes(std::array::from_fn(|i| if i % 2 == 0 { a } else { b }))
        };
        let mut row = Row::new(*b"value", at(7), at(90));
        let listing = Listing::new((0..300).map(index_key).collect(), b"card");
        row.listing = Some(Arc::new(listing));
        let before = Row::new(*b"before", at(7), at(90));
        let left = left_with(&token, &way, &row, &before, None).unwrap();
        let (_, carried) = token.read_way(&left.value, &keys, at(8)).unwrap();
        assert_eq!(packed::unpack(&carried.unwrap()), Some(row));
    }
}
