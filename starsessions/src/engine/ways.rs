//! From an id that has ended to the one that has come after it.

use std::sync::Arc;
use std::time::Duration;

use super::server_side::ServerSide;
use super::{Credential, Live};
use crate::clock::Timestamp;
use crate::crypto::{RandomError, ReferenceToken, SealError, Way, WayKind};
use crate::store::{Listing, Row, packed};

impl WayKind {
    /// Whether requests with the former id go on under the new one.
    pub(super) fn is_forward(self) -> bool {
        self == Self::Forward
    }

    /// Whether what was written under the former id by requests that had loaded it before may be in the successor,
    /// which is the same session.
    pub(super) fn carries(self) -> bool {
        self != Self::Anew
    }
}

impl ServerSide {
    /// A new id to come after this one, and the way there: short for requests that go on, longer for those that end the
    /// session.
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

    /// The way in a row, as long as it leads anywhere, and the row of the successor, as long as that may not be there yet.
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

/// The row that holds a way in the place of `before`.
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
    // A sign-in that has stopped half-way leaves a session whose id no browser has. Its place among the user's
    // sessions is free as soon as the request cannot go on any more.
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

impl Live {
    /// The token, and the row that it led to; `None` if the session is its cookie.
    pub(super) fn reference(&self) -> Option<(Arc<ReferenceToken>, &Row)> {
        match &self.credential {
            Credential::Reference(token, row) => Some((Arc::clone(token), row)),
            Credential::Sealed(_) => None,
            #[cfg(feature = "python")]
            Credential::Shared(_) => None,
        }
    }
}

/// How long a request may have been on its way that ends the session under a former id, or that had
/// loaded the session before.
pub(crate) const ENDING_GRACE: Duration = Duration::from_secs(60);
/// How long a session may be on its way from one key to the other.
const MOVING_TIME: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{IndexKey, KeyRing};

    /// More than a count in one byte could tell.
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
