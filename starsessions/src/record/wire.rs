//! A record inside a cookie: the bytes between the token's header and its tag.
//!
//! ```text
//! payload = id(16) ‖ revision u32 ‖ last seen u40 ‖ deadline u40 ‖ record
//! ```

use std::sync::Arc;

use super::{Record, TIME, put_time, time};

/// A record and its id, which only a cookie carries and by which the session can be revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Payload {
    pub(crate) id: [u8; ID_LENGTH],
    pub(crate) record: Record,
}

impl Payload {
    pub(crate) fn pack(&self) -> Vec<u8> {
        let packed = self.record.packed();
        let mut out = Vec::with_capacity(HEAD + packed.len());
        out.extend_from_slice(&self.id);
        // The low bits are enough to tell which is later, as in the revision of each field.
        out.extend_from_slice(&(self.record.revision as u32).to_be_bytes());
        put_time(self.record.last_seen_at, &mut out);
        put_time(self.record.expires_at, &mut out);
        out.extend_from_slice(&packed);
        out
    }

    /// The payload, if every byte is as [`pack`](Self::pack) writes it.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (id, rest) = bytes.split_first_chunk()?;
        let (revision, rest) = rest.split_first_chunk()?;
        let (last_seen, rest) = rest.split_first_chunk()?;
        let (deadline, packed) = rest.split_first_chunk()?;
        let mut record = Record::parse_strictly(Arc::from(packed))?;
        record.revision = u32::from_be_bytes(*revision).into();
        record.last_seen_at = time(last_seen);
        record.expires_at = time(deadline);
        Some(Self { id: *id, record })
    }
}

pub(crate) const ID_LENGTH: usize = 16;
const HEAD: usize = ID_LENGTH + 4 + 2 * TIME;
