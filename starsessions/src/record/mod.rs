//! One session at rest: its times, and its fields by name in one packed value.
//!
//! ```text
//! record = version u8 ‖ flags u8 ‖ created u40 ‖ issued u40 ‖ field*
//! field  = name length u8 ‖ flags u8 ‖ written u32 ‖ value length u32 ‖ [expires u40] ‖ [idle u40] ‖ name ‖ value
//! ```
//!
//! All integers are big-endian and of fixed width, times are Unix seconds, and fields stand in the
//! order of their names, so that a record has one encoding. These bytes are the same in memory, in every store and in
//! cookies. The times that move without a change of data are not among them: they are in the [`Row`].
//!
//! [`Row`]: crate::store::Row

mod card;
#[cfg(feature = "dbsc")]
mod device;
mod edit;
mod encoded;
mod field;
mod wire;

use std::fmt;
use std::sync::Arc;

pub(crate) use self::card::Card;
#[cfg(feature = "dbsc")]
pub(crate) use self::device::Device;
pub(crate) use self::edit::{Edit, FieldChange};
pub(crate) use self::encoded::Encoded;
pub(crate) use self::field::{Cursor, Field};
use self::field::{Entries, Entry};
pub(crate) use self::wire::{ID_LENGTH, Payload};
use crate::clock::Timestamp;

/// One session at rest. Cloning is cheap: the packed fields are shared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// When the session began; survives every rotation, so that the absolute timeout holds.
    pub(crate) created_at: Timestamp,
    /// When the current id was issued.
    pub(crate) issued_at: Timestamp,
    /// The last request that counted as activity, to within the touch interval.
    pub(crate) last_seen_at: Timestamp,
    /// From this second on the session is gone: the earlier of its idle and absolute deadlines.
    pub(crate) expires_at: Timestamp,
    /// Counts the writes; 1 in a new record.
    pub(crate) revision: u64,
    /// The session has the longer lifetime ("remember me").
    pub(crate) remembered: bool,
    /// The session has been signed in: a full store evicts guests' sessions only.
    pub(crate) identified: bool,
    packed: Packed,
}

/// The packed form; `None` if nothing was packed yet.
#[derive(Clone, Default, PartialEq, Eq)]
struct Packed(Option<Arc<[u8]>>);

impl Record {
    /// An empty record that was created `now` and ends at `expires_at`.
    pub(crate) fn new(now: Timestamp, expires_at: Timestamp) -> Self {
        Self {
            created_at: now,
            issued_at: now,
            last_seen_at: now,
            expires_at,
            revision: 0,
            remembered: false,
            identified: false,
            packed: Packed::default(),
        }
    }

    /// The record without its fields.
    pub(crate) fn without_fields(&self) -> Self {
        Self {
            packed: Packed::default(),
            ..*self
        }
    }

    /// The record in `packed`, if its head is valid. The caller sets the times and the revision of the row.
    pub(crate) fn parse(packed: Arc<[u8]>) -> Option<Self> {
        let [version, flags, times @ ..] = *packed.first_chunk::<HEAD>()?;
        let [remembered, identified] = bits(flags)?;
        let (created, issued) = times.split_first_chunk()?;
        let mut record = Self::new(time(created), Timestamp::default());
        record.issued_at = time(issued.first_chunk()?);
        record.remembered = remembered;
        record.identified = identified;
        record.packed = Packed(Some(packed));
        (version == VERSION).then_some(record)
    }

    /// The record in `packed`, if its entries are complete and in order: such a record has no second encoding.
    pub(crate) fn parse_strictly(packed: Arc<[u8]>) -> Option<Self> {
        let record = Self::parse(packed)?;
        let mut entries = record.entries();
        let mut last: Option<&[u8]> = None;
        for entry in &mut entries {
            // Refuses an empty name before any comparison, which takes a hundred nanoseconds: see `is_same_realm`.
            if entry.name.is_empty() || last.is_some_and(|last| entry.name <= last) {
                return None;
            }
            last = Some(entry.name);
        }
        entries.rest().is_empty().then_some(record)
    }

    pub(crate) fn packed(&self) -> Arc<[u8]> {
        let packed = self.packed.0.clone();
        packed.unwrap_or_else(|| self.pack(self.entries(), &mut [], 0).0)
    }

    /// The field of this name, expired or not.
    pub(crate) fn get(&self, name: &str) -> Option<Field<'_>> {
        self.entries().find_name(name)
    }

    /// A cursor for several lookups in a row.
    pub(crate) fn cursor(&self) -> Cursor<'_> {
        Cursor::new(self.entries())
    }

    /// Every field with its name, in the order of the names.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, Field<'_>)> {
        self.entries().filter_map(|entry| named(&entry))
    }

    /// The indexed fields.
    pub(crate) fn indexed(&self) -> impl Iterator<Item = (&str, Field<'_>)> {
        let indexed = self.entries().filter(|it| it.field.is_indexed());
        indexed.filter_map(|entry| named(&entry))
    }

    /// Whether a device must prove itself to use the session.
    pub(crate) fn is_bound(&self) -> bool {
        // The library's own fields come first.
        let mut own = self.entries().take_while(|it| it.name.starts_with(b"."));
        own.any(|entry| entry.name == DEVICE.as_bytes())
    }

    /// The device that the session is bound to, if it can be read.
    #[cfg(feature = "dbsc")]
    pub(crate) fn device(&self) -> Option<Device> {
        Device::parse(self.get(DEVICE)?.value)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries().count()
    }

    /// The length of the packed form: no less than [`size`](Self::size), and known without reading the fields.
    pub(crate) fn packed_size(&self) -> usize {
        self.packed.0.as_ref().map_or(HEAD, |packed| packed.len())
    }

    /// The bytes of all names and values.
    pub(crate) fn size(&self) -> usize {
        let sizes = self.entries();
        sizes
            .map(|entry| entry.name.len() + entry.field.value.len())
            .sum()
    }

    fn entries(&self) -> Entries<'_> {
        self.packed.entries()
    }
}

impl Packed {
    fn entries(&self) -> Entries<'_> {
        let packed = self.0.as_deref().unwrap_or_default();
        Entries::new(packed.get(HEAD..).unwrap_or_default())
    }
}

/// Shows names and sizes: in a store in memory, values are in the clear.
impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = self.entries().filter_map(|entry| named(&entry));
        let sizes = fields.map(|(name, field)| (name, field.value.len()));
        f.debug_map().entries(sizes).finish()
    }
}

fn named<'a>(entry: &Entry<'a>) -> Option<(&'a str, Field<'a>)> {
    Some((std::str::from_utf8(entry.name).ok()?, entry.field))
}

fn time(bytes: &[u8; TIME]) -> Timestamp {
    Timestamp::from_packed(*bytes)
}

fn put_time(time: Timestamp, out: &mut Vec<u8>) {
    out.extend_from_slice(&time.to_packed());
}

fn flags<const COUNT: usize>(bits: [bool; COUNT]) -> u8 {
    let bits = bits.iter().rev();
    bits.fold(0, |flags, bit| flags << 1 | u8::from(*bit))
}

/// The lowest `COUNT` bits; `None` if another bit is set.
#[inline]
fn bits<const COUNT: usize>(flags: u8) -> Option<[bool; COUNT]> {
    let bits = std::array::from_fn(|bit| flags >> bit & 1 == 1);
    (u32::from(flags) >> COUNT == 0).then_some(bits)
}

/// The device that a session is bound to. The `~` marks it as a field that ends when the privileges change.
pub(crate) const DEVICE: &str = ".~device";
/// The user's name for a session. No field of a session type has this name: theirs begin with a namespace.
pub(crate) const LABEL: &str = ".label";

/// The revision of a value that this request has written and no store has seen.
pub(crate) const NOT_STORED: u32 = u32::MAX;
const VERSION: u8 = 1;
/// The bytes in front of the fields.
const HEAD: usize = 2 + 2 * TIME;
const TIME: usize = Timestamp::PACKED;

#[cfg(test)]
mod tests;
