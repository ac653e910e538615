//! One session at rest: timers, a revision, and fields by name.

mod change;
mod show;

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;

pub use self::change::{Commit, FieldWrite, Forward, Rotation, Touch};
use crate::clock::Timestamp;
use crate::crypto::IndexKey;

/// The stored name of a field: namespace, dot, name. Nothing but ASCII letters and digits, `.`, `_`, `-` and `~`;
/// what begins with the dot is of this library.
pub type FieldName = Cow<'static, str>;

/// One session at rest.
///
/// Cloning is cheap: the fields are shared until one of the clones changes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// When the session began; survives every rotation, so that the absolute timeout holds.
    pub created_at: Timestamp,
    /// When the current id was issued.
    pub issued_at: Timestamp,
    /// The last request that counted as activity, to within the touch interval.
    pub last_seen_at: Timestamp,
    /// From this second on the session is gone: the earlier of its idle and absolute deadlines.
    pub expires_at: Timestamp,
    /// Counts the commits; 1 in a new record.
    pub revision: u64,
    /// Lives by the long profile ("remember me").
    pub remembered: bool,
    /// Has been signed in: a store that must make room gives up anonymous sessions only.
    pub identified: bool,
    /// The fields.
    pub fields: Fields,
}

impl Record {
    /// An empty record that was created `now` and ends at `expires_at`.
    #[must_use]
    pub fn new(now: Timestamp, expires_at: Timestamp) -> Self {
        Self {
            created_at: now,
            issued_at: now,
            last_seen_at: now,
            expires_at,
            revision: 1,
            remembered: false,
            identified: false,
            fields: Fields::default(),
        }
    }

    /// Whether the record's own deadline has passed.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }

    /// What the session is filed under, field by field: twice if two fields say so.
    pub fn index_keys(&self) -> impl Iterator<Item = &IndexKey> {
        let fields = self.fields.iter();
        fields.filter_map(|(_, field)| field.index.as_ref())
    }

    /// Whether the session is to be found by `index` at the moment: a field that lives says so.
    #[must_use]
    pub fn is_filed_under(&self, index: &IndexKey, now: Timestamp) -> bool {
        let is_match = |field: &Field| field.index.as_ref() == Some(index) && field.is_live(now);
        self.fields.iter().any(|(_, field)| is_match(field))
    }
}

/// The value of one field, as bytes that a store does not look into.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Field {
    /// The encoded value.
    pub value: Bytes,
    /// The revision of the record in which the field was last written.
    pub revision: u64,
    /// Gone from this second on: so long after it was written.
    pub expires_at: Option<Timestamp>,
    /// Gone from this second on: so long after it was last used.
    pub idle_at: Option<Timestamp>,
    /// What the session can be found by as long as the field has this value.
    pub index: Option<IndexKey>,
}

impl Field {
    /// A field without deadlines.
    #[must_use]
    pub fn new(value: Bytes, revision: u64) -> Self {
        Self {
            value,
            revision,
            expires_at: None,
            idle_at: None,
            index: None,
        }
    }

    /// Whether neither of the field's deadlines has passed.
    #[must_use]
    #[inline]
    pub fn is_live(&self, now: Timestamp) -> bool {
        let is_ahead = |deadline: Option<Timestamp>| deadline.is_none_or(|it| now < it);
        is_ahead(self.expires_at) && is_ahead(self.idle_at)
    }
}

/// The fields of a record, ordered by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Arc<Vec<(FieldName, Field)>>);

impl Fields {
    /// The field of this name, dead or alive.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Field> {
        let place = self.place(name).ok()?;
        self.0.get(place).map(|(_, field)| field)
    }

    /// Every field, in the order of the names.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&FieldName, &Field)> {
        self.0.iter().map(|(name, field)| (name, field))
    }

    /// How many fields there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no field.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes of all names and values.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0
            .iter()
            .map(|(name, field)| name.len() + field.value.len())
            .sum()
    }

    /// Puts a field in its place; returns the one that it replaces.
    pub fn insert(&mut self, name: FieldName, field: Field) -> Option<Field> {
        let place = self.place(&name);
        let fields = Arc::make_mut(&mut self.0);
        match place {
            Ok(place) => fields
                .get_mut(place)
                .map(|(_, old)| std::mem::replace(old, field)),
            Err(place) => {
                fields.insert(place, (name, field));
                None
            }
        }
    }

    /// Makes room for so many more, and no more than that.
    pub(crate) fn reserve(&mut self, more: usize) {
        Arc::make_mut(&mut self.0).reserve_exact(more);
    }

    /// Takes a field out.
    pub fn remove(&mut self, name: &str) -> Option<Field> {
        let place = self.place(name).ok()?;
        Some(Arc::make_mut(&mut self.0).remove(place).1)
    }

    /// Changes one field in place, if it is there.
    pub(crate) fn update(&mut self, name: &str, change: impl FnOnce(&mut Field)) {
        if let Ok(place) = self.place(name)
            && let Some((_, field)) = Arc::make_mut(&mut self.0).get_mut(place)
        {
            change(field);
        }
    }

    /// Every field, to be changed in place.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Field)> {
        let fields = Arc::make_mut(&mut self.0).iter_mut();
        fields.map(|(name, field)| (&**name, field))
    }

    /// Fields that come in the order of their names, none twice.
    pub(crate) fn from_ordered(fields: Vec<(FieldName, Field)>) -> Self {
        debug_assert!(fields.is_sorted_by(|(a, _), (b, _)| a < b));
        Self(Arc::new(fields))
    }

    fn place(&self, name: &str) -> Result<usize, usize> {
        // Names begin alike and rarely end alike: of a few, the right one is found sooner by its end.
        if self.0.len() <= FEW {
            let end = name.as_bytes().last();
            let is_meant = |(other, _): &(FieldName, Field)| {
                other.len() == name.len() && other.as_bytes().last() == end && other == name
            };
            if let Some(place) = self.0.iter().position(is_meant) {
                return Ok(place);
            }
        }
        self.0
            .binary_search_by(|(other, _)| other.as_ref().cmp(name))
    }
}

/// Up to so many fields are looked through one by one.
const FEW: usize = 32;

impl FromIterator<(FieldName, Field)> for Fields {
    fn from_iter<I: IntoIterator<Item = (FieldName, Field)>>(fields: I) -> Self {
        let mut collected = Self::default();
        for (name, field) in fields {
            collected.insert(name, field);
        }
        collected
    }
}
