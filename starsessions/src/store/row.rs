//! The row under a key: bytes, a revision, two times, and the listing.

use std::fmt;
use std::sync::Arc;

use super::Listing;
use crate::clock::Timestamp;
use crate::crypto::{IndexKey, RowKey};

/// The row under a key.
///
/// To a store it is opaque: the runtime decides what the value means, who may use it and when a session
/// ends early. Cloning is cheap, because the bytes are shared.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Row {
    /// Distinguishes this row from earlier and later rows under the same key. Never reused under a key.
    pub revision: u64,
    /// From this second on the row is gone.
    pub deadline: Timestamp,
    /// The last request that counted as activity, to within the touch interval.
    pub last_seen: Timestamp,
    /// The session itself, or the way to its successor.
    pub value: Arc<[u8]>,
    /// The listing by which the user's other sessions find this one; `None` for a guest's. A store that must
    /// make room evicts only rows without a listing.
    pub listing: Option<Arc<Listing>>,
}

/// New times for a row; never data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Touch {
    /// See [`Row::last_seen`].
    pub last_seen: Timestamp,
    /// See [`Row::deadline`].
    pub deadline: Timestamp,
}

/// A session that moves to a new key.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Rotation<'a> {
    /// The key that the session leaves.
    pub old: &'a RowKey,
    /// The row that was read under the old key.
    pub seen: &'a Row,
    /// The row that stays under the old key.
    pub left: &'a Row,
    /// The key that the session gets.
    pub new: &'a RowKey,
    /// The row to store under the new key.
    pub row: &'a Row,
}

/// A session that was found by an index key.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Listed {
    /// The key of its row.
    pub key: RowKey,
    /// See [`Row::revision`].
    pub revision: u64,
    /// See [`Row::deadline`].
    pub deadline: Timestamp,
    /// See [`Row::last_seen`].
    pub last_seen: Timestamp,
    /// See [`Row::listing`].
    pub listing: Arc<Listing>,
}

impl Row {
    /// The first row under a key, without a listing: of revision 1, last seen `now`.
    ///
    /// ```
    /// use starsessions::Timestamp;
    /// use starsessions::store::Row;
    ///
    /// let at = Timestamp::from_unix_seconds;
    /// let row = Row::new(*b"value", at(100), at(700));
    /// assert!(row.is_live(at(699)) && !row.is_live(at(700)));
    /// ```
    #[must_use]
    pub fn new(value: impl Into<Arc<[u8]>>, now: Timestamp, deadline: Timestamp) -> Self {
        Self {
            revision: 1,
            deadline,
            last_seen: now,
            value: value.into(),
            listing: None,
        }
    }

    /// Whether the deadline is still ahead.
    #[must_use]
    #[inline]
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.deadline
    }

    /// The revision of the row's replacement. Wraps, because another program may have stored the last revision; this
    /// crate never reaches it.
    pub(crate) fn next_revision(&self) -> u64 {
        self.revision.wrapping_add(1)
    }

    /// The keys that the row is filed under.
    #[must_use]
    pub fn index_keys(&self) -> &[IndexKey] {
        self.listing
            .as_ref()
            .map_or(&[], |listing| listing.index_keys())
    }

    /// Moves the times forward, never back, because touches may arrive in any order.
    pub fn touch(&mut self, touch: Touch) {
        self.last_seen = self.last_seen.max(touch.last_seen);
        self.deadline = self.deadline.max(touch.deadline);
    }

    /// This row as it should replace `stored`, under the same key or another one. `stored` has the revision of
    /// `seen`; if it was touched since it was seen, the later times stay.
    #[must_use]
    pub fn in_place_of(&self, stored: &Self, seen: &Self) -> Self {
        let mut row = self.clone();
        row.last_seen = row.last_seen.max(stored.last_seen);
        if stored.deadline != seen.deadline {
            row.deadline = row.deadline.max(stored.deadline);
        }
        row
    }
}

impl Touch {
    /// For the tests of a store, or for a store that wraps another one.
    ///
    /// ```
    /// use starsessions::Timestamp;
    /// use starsessions::store::{Row, Touch};
    ///
    /// let at = Timestamp::from_unix_seconds;
    /// let mut row = Row::new(*b"value", at(100), at(700));
    /// row.touch(Touch::new(at(200), at(800)));
    /// assert_eq!((row.last_seen, row.deadline), (at(200), at(800)));
    /// ```
    #[must_use]
    pub fn new(last_seen: Timestamp, deadline: Timestamp) -> Self {
        Self {
            last_seen,
            deadline,
        }
    }
}

impl<'a> Rotation<'a> {
    /// For the tests of a store, or for a store that wraps another one. Takes the fields in their order.
    ///
    /// ```
    /// use starsessions::store::{Rotated, Rotation, Row, RowKey, Store, StoreError};
    /// use starsessions::{MemoryStore, Timestamp};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), StoreError> {
    /// let [old, new] = [[1; 32], [2; 32]].map(RowKey::from_bytes);
    /// let at = Timestamp::from_unix_seconds;
    /// let row = Row::new(*b"session", at(100), at(700));
    /// let mut left = Row::new(*b"way", at(100), at(160));
    /// left.revision = row.revision + 1;
    ///
    /// let store = MemoryStore::new();
    /// store.insert(&old, &row, at(100)).await?;
    /// let rotation = Rotation::new(&old, &row, &left, &new, &row);
    /// assert_eq!(store.rotate(rotation, at(100)).await?, Rotated::Rotated);
    /// assert_eq!(store.load(&new, at(100)).await?, Some(row));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn new(
        old: &'a RowKey,
        seen: &'a Row,
        left: &'a Row,
        new: &'a RowKey,
        row: &'a Row,
    ) -> Self {
        Self {
            old,
            seen,
            left,
            new,
            row,
        }
    }
}

impl Listed {
    /// The entry of `row` in a list; `None` if it has no listing.
    #[must_use]
    pub fn new(key: RowKey, row: &Row) -> Option<Self> {
        Some(Self {
            key,
            revision: row.revision,
            deadline: row.deadline,
            last_seen: row.last_seen,
            listing: Arc::clone(row.listing.as_ref()?),
        })
    }

    /// The entry of `row` in the list of an index key; `None` if the row has expired, or is not filed under the key.
    pub(super) fn under(
        index_key: &IndexKey,
        key: RowKey,
        row: &Row,
        now: Timestamp,
    ) -> Option<Self> {
        let is_filed = row.is_live(now) && row.index_keys().contains(index_key);
        Self::new(key, row).filter(|_| is_filed)
    }
}

/// Shows the length of the value: in a store inside the process, the value is in the clear.
impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Row")
            .field("revision", &self.revision)
            .field("deadline", &self.deadline)
            .field("last_seen", &self.last_seen)
            .field("value", &format_args!("{} bytes", self.value.len()))
            .field("listing", &self.listing)
            .finish()
    }
}
