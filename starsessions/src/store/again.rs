//! Decides the outcome of an operation that was refused, or of one whose first answer was lost.
//!
//! A sealed value is unique: a stored row with the sent revision and value is the row that was sent. No other row ever
//! has this revision under the same key. In the clear, two requests that make the same change send the same row.

use super::{Inserted, Protection, Replaced, Result, Rotated, Rotation, Row, StoreError};
use crate::clock::Timestamp;

/// An answer, and whether an earlier try may have reached the server as well.
#[cfg(feature = "redis")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer<T> {
    pub(crate) value: T,
    pub(crate) is_repeated: bool,
}

/// The reason why a row was not replaced: `found` is the row under its key.
pub(super) fn not_replaced(found: Option<Row>, now: Timestamp) -> Replaced {
    let live = found.filter(|row| row.is_live(now));
    live.map_or(Replaced::Gone, Replaced::Stale)
}

/// The reason why a session did not move: `found` is the row under its old key.
pub(super) fn not_rotated(found: Option<Row>, seen: &Row, now: Timestamp) -> Rotated {
    match not_replaced(found, now) {
        Replaced::Stale(row) if row.revision == seen.revision => Rotated::Exists,
        outcome => outcome.into(),
    }
}

/// The outcome of both tries to insert `row`; `found` is the row under its key.
pub(super) fn inserted(row: &Row, found: Option<&Row>) -> Result<Inserted> {
    match found {
        Some(found) if is_same(found, row) => Ok(Inserted::Inserted),
        Some(found) if found.revision <= row.revision => Ok(Inserted::Exists),
        // The row may have been stored, and replaced or ended since.
        Some(_) | None => Err(unknown()),
    }
}

/// The outcome of all tries to replace a row by `row`.
pub(super) fn replaced(
    last: Replaced,
    row: &Row,
    is_repeated: bool,
    protection: Protection,
) -> Result<Replaced> {
    let is_unique = protection == Protection::Sealed;
    match last {
        last if !is_repeated => Ok(last),
        Replaced::Replaced => Ok(Replaced::Replaced),
        Replaced::Stale(found) if is_unique && is_same(&found, row) => Ok(Replaced::Replaced),
        Replaced::Stale(found) if is_instead_of(&found, row) => Ok(Replaced::Stale(found)),
        // `row` may have been stored, and replaced or ended since. Or an equal row of another request is stored.
        Replaced::Stale(_) | Replaced::Gone => Err(unknown()),
    }
}

/// The outcome of both tries to rotate; `found` is the row under the new key.
pub(super) fn rotated(
    second: Rotated,
    rotation: &Rotation<'_>,
    found: Option<&Row>,
) -> Result<Rotated> {
    if found.is_some_and(|found| is_same(found, rotation.row)) {
        return Ok(Rotated::Rotated);
    }
    match second {
        Rotated::Rotated | Rotated::Unsupported => Ok(second),
        Rotated::Stale(old) if found.is_none() && is_instead_of(&old, rotation.left) => {
            Ok(Rotated::Stale(old))
        }
        // The session may have moved, and have been changed or ended since.
        Rotated::Stale(_) | Rotated::Exists | Rotated::Gone => Err(unknown()),
    }
}

/// The outcome of a removal that has found nothing: an earlier try may have removed the row.
pub(super) fn removed(is_repeated: bool) -> Result<Option<Row>> {
    if is_repeated {
        Err(unknown())
    } else {
        Ok(None)
    }
}

/// Whether `found` is the row that was sent. It may have been touched since.
fn is_same(found: &Row, sent: &Row) -> bool {
    found.revision == sent.revision && found.value == sent.value
}

/// Whether another row has the revision of the sent row, which proves that the sent row was not stored.
fn is_instead_of(found: &Row, sent: &Row) -> bool {
    found.revision == sent.revision && found.value != sent.value
}

pub(crate) fn unknown() -> StoreError {
    let text =
        "the connection was lost, and what is stored does not show whether the change was made";
    StoreError::Unavailable(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::RowKey;

    #[test]
    fn a_repeated_insert_recognises_its_own_row() {
        let row = row(1, "a");
        assert_eq!(inserted(&row, Some(&row)).unwrap(), Inserted::Inserted);
        let other = self::row(1, "b");
        assert_eq!(inserted(&row, Some(&other)).unwrap(), Inserted::Exists);
        assert!(inserted(&row, None).is_err());
        assert!(inserted(&row, Some(&self::row(2, "b"))).is_err());
    }

    #[test]
    fn a_repeated_replace_finds_what_it_sent_even_if_it_was_touched() {
        let row = row(2, "a");
        let mut touched = row.clone();
        touched.last_seen = at(9);
        let outcome =
            |protection| replaced(Replaced::Stale(touched.clone()), &row, true, protection);
        assert_eq!(outcome(Protection::Sealed).unwrap(), Replaced::Replaced);
        assert!(outcome(Protection::Plain).is_err());
    }

    #[test]
    fn a_repeated_replace_that_another_writer_won_is_stale() {
        let stale = Replaced::Stale(row(2, "b"));
        for protection in [Protection::Sealed, Protection::Plain] {
            let outcome = replaced(stale.clone(), &row(2, "a"), true, protection);
            assert_eq!(outcome.unwrap(), stale);
        }
    }

    #[test]
    fn a_repeated_replace_is_unknown_behind_a_third_writer_or_an_end() {
        for second in [Replaced::Stale(row(3, "b")), Replaced::Gone] {
            let outcome = replaced(second.clone(), &row(2, "a"), false, Protection::Sealed);
            assert_eq!(outcome.unwrap(), second);
            let outcome = replaced(second, &row(2, "a"), true, Protection::Sealed);
            assert!(matches!(outcome, Err(StoreError::Unavailable(_))));
        }
    }

    #[test]
    fn a_repeated_rotation_is_told_by_the_row_under_the_new_key() {
        let (seen, left, moved) = (row(1, "a"), row(2, "way"), row(1, "b"));
        let (old, new) = (RowKey::from_bytes([1; 32]), RowKey::from_bytes([2; 32]));
        let rotation = Rotation {
            old: &old,
            seen: &seen,
            left: &left,
            new: &new,
            row: &moved,
        };
        let known = |second, found| rotated(second, &rotation, found);
        let stale = || Rotated::Stale(left.clone());
        assert_eq!(known(stale(), Some(&moved)).unwrap(), Rotated::Rotated);
        assert_eq!(
            known(Rotated::Exists, Some(&moved)).unwrap(),
            Rotated::Rotated
        );
        let overtaken = Rotated::Stale(row(2, "c"));
        assert_eq!(known(overtaken.clone(), None).unwrap(), overtaken);
        for (second, found) in [
            (stale(), None),
            (Rotated::Gone, None),
            (Rotated::Exists, Some(&seen)),
            (overtaken, Some(&seen)),
        ] {
            assert!(known(second, found).is_err());
        }
    }

    #[test]
    fn a_repeated_removal_that_finds_nothing_is_unknown() {
        assert_eq!(removed(false).unwrap(), None);
        assert!(removed(true).is_err());
    }

    fn row(revision: u64, value: &str) -> Row {
        let mut row = Row::new(value.as_bytes(), at(1), at(100));
        row.revision = revision;
        row
    }

    fn at(second: u64) -> Timestamp {
        Timestamp::from_unix_seconds(second)
    }
}
