//! What a write has come to that was sent twice, because the first reply was lost.

use crate::store::Row;

/// Whether the first `sent` had arrived, judged by what was `found` under its key when the second was
/// refused; `None` if that cannot be told.
///
/// No revision is used twice under a key, and the value of each write is unique.
pub(super) fn had_arrived(sent: &Row, found: &Row) -> Option<bool> {
    if found.revision > sent.revision {
        return None; // In the place of the row that was sent, or of another one.
    }
    Some(found.revision == sent.revision && found.value == sent.value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    #[test]
    fn only_a_later_revision_hides_whether_a_write_had_arrived() {
        let row = |revision, value: &[u8]| {
            let at = Timestamp::from_unix_seconds;
            let mut row = Row::new(value, at(1), at(9));
            row.revision = revision;
            row
        };
        let sent = row(2, b"own");
        assert_eq!(had_arrived(&sent, &row(1, b"seen")), Some(false));
        assert_eq!(had_arrived(&sent, &row(2, b"own")), Some(true));
        assert_eq!(had_arrived(&sent, &row(2, b"other")), Some(false));
        assert_eq!(had_arrived(&sent, &row(3, b"third")), None);
    }
}
