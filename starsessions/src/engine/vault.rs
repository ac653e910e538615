//! A store as the engine sees it: records by token, in the clear.
//!
//! ```text
//! value = record (version 1)                       in a store inside the process
//!       | 2 ‖ sealed(record)                       in every other store
//!       | way [‖ sealed(row of the successor)]     what an id leaves when the session gets a new one; begins with 3 to 5
//!       | 6                                        a session or claim that another one has ended
//!       | 7  |  8                                  a claim of a sign-in, and one that is held
//!       | 9                                        a key that is reserved for a session that moves there
//! ```
//!
//! A record is sealed as a whole, under a key that only the session's cookie leads to, and bound to its
//! application, row, format and revision. So a copy of the store reveals nothing, and no part of a
//! record can be moved elsewhere or restored alone (OWASP ASVS 14.2.4). The row's times are not bound, because they
//! move without a new value; the record's own limits hold beside them.

use std::sync::Arc;

use super::Context;
use crate::clock::Timestamp;
use crate::crypto::{RecordKey, RecordPlace, ReferenceToken, WayKind};
use crate::error::SessionError;
use crate::record::Record;
use crate::store::{ErasedStore, Listing, Row, StoreError};

/// A store whose values are records.
pub(crate) struct Vault {
    pub(super) store: ErasedStore,
}

/// The content of a row.
pub(super) enum Opened {
    Record(Record, Row),
    /// The way to a new id, which a rotation has left.
    Way(Row),
    /// The mark of a session that another one has ended, the claim of a sign-in, or a reserved row.
    Ended,
    /// A value that is no session of this application.
    Foreign,
}

impl Vault {
    /// Reads a row for the bearer of the token that leads to it.
    pub(super) fn open(&self, context: &Context, token: &ReferenceToken, row: Row) -> Opened {
        let packed = match *row.value {
            [kind, ..] if WayKind::of(kind).is_some() => return Opened::Way(row),
            [ENDED | CLAIMED | HELD | RESERVED] => return Opened::Ended,
            [SEALED, ..] if self.store.is_sealed => unsealed(context, token, &row),
            [_, ..] if !self.store.is_sealed => Some(Arc::clone(&row.value)),
            _ => None,
        };
        let Some(mut record) = packed.and_then(Record::parse) else {
            return Opened::Foreign;
        };
        record.revision = row.revision;
        record.last_seen_at = row.last_seen;
        record.expires_at = row.deadline;
        Opened::Record(record, row)
    }

    /// Logs that an id is ours, but that this layer has not written the stored value for it.
    pub(super) fn report_foreign(&self, now: Timestamp) {
        let text = "a stored session cannot be opened, and its user counts as a guest: its value was overwritten, \
                    `plain_values` of the store was switched, or another version or application has written it";
        let error = StoreError::Corrupt(text.into());
        self.store.report(&error, now);
    }

    /// The row that holds a record.
    pub(super) fn close(
        &self,
        context: &Context,
        token: &ReferenceToken,
        record: &Record,
        listing: Option<Arc<Listing>>,
    ) -> Result<Row, SessionError> {
        let packed = record.packed();
        let value = if self.store.is_sealed {
            sealed(context, token, record.revision, &packed)?
        } else {
            packed
        };
        let mut row = Row::new(value, record.last_seen_at, record.expires_at);
        row.revision = record.revision;
        row.listing = listing;
        Ok(row)
    }
}

/// Whether a row holds no session and is not to get one: a way, the mark of an end, or a claim.
pub(super) fn is_left(row: &Row) -> bool {
    match *row.value {
        [ENDED | CLAIMED | HELD] => true,
        [kind, ..] => WayKind::of(kind).is_some(),
        [] => false,
    }
}

/// The row that replaces `seen` to mark the end of its session. Its deadline is `now`, so it counts as no row.
pub(super) fn ended(seen: &Row, now: Timestamp) -> Row {
    let mut row = Row::new([ENDED], now, now);
    row.revision = seen.next_revision();
    row
}

/// The listing of a row that no list shows. It marks a user's row, so that a flood of visitors can neither push it out
/// nor keep it out.
pub(super) fn unlisted(is_user: bool) -> Option<Arc<Listing>> {
    is_user.then(|| Arc::new(Listing::new(Vec::new(), b"")))
}

/// A packed record as the value of a row.
fn sealed(
    context: &Context,
    token: &ReferenceToken,
    revision: u64,
    packed: &[u8],
) -> Result<Arc<[u8]>, SessionError> {
    let overhead = RecordKey::NONCE_LEN + RecordKey::TAG_LEN;
    let mut value = Vec::with_capacity(1 + overhead + packed.len());
    value.push(SEALED);
    value.extend_from_slice(&[0; RecordKey::NONCE_LEN]);
    value.extend_from_slice(packed);
    value.extend_from_slice(&[0; RecordKey::TAG_LEN]);
    if let Some((_, room)) = value.split_first_mut() {
        let place = place(context, revision);
        token.record_key().seal_in_place(&place, room)?;
    }
    Ok(value.into())
}

/// The packed record of a row; `None` if it was not sealed for this place. The row itself is not changed: some stores
/// compare its bytes to see whether another row has replaced it.
fn unsealed(context: &Context, token: &ReferenceToken, row: &Row) -> Option<Arc<[u8]>> {
    let mut bytes = row.value.get(1..)?.to_vec();
    let place = place(context, row.revision);
    let opened = token.record_key().open_in_place(&place, &mut bytes);
    Some(Arc::from(bytes.get(opened.ok()?)?))
}

fn place(context: &Context, revision: u64) -> RecordPlace<'_> {
    RecordPlace {
        namespace: &context.audience,
        format: SEALED,
        revision,
    }
}

const SEALED: u8 = 2;
pub(super) const ENDED: u8 = 6;
/// The claim of a sign-in that is under way, as long as another one may take it away.
pub(super) const CLAIMED: u8 = 7;
/// A claim that cannot be taken away any more.
pub(super) const HELD: u8 = 8;
/// A key that is reserved for a session that moves there.
pub(super) const RESERVED: u8 = 9;
