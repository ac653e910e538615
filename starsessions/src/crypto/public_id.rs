//! The id of a session in a list that its user sees.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::id::RowKey;
use super::{encoding, keyset};
use crate::clock::Timestamp;
use crate::sentence::sentences;

/// The name of one session among those of a user, for a form that ends it.
///
/// It is not a secret and opens nothing: it is only looked for among the sessions that the request
/// may end. As text it has 43 letters, digits, `-` and `_`.
///
/// It still identifies the session after the session has got a new id.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicSessionId {
    created_at: Timestamp,
    issued_at: Timestamp,
    row: [u8; 16],
}

impl PublicSessionId {
    pub(crate) fn new(row: &RowKey, created_at: Timestamp, issued_at: Timestamp) -> Self {
        Self {
            created_at,
            issued_at,
            row: keyset::handle_of(row),
        }
    }

    /// Whether `other` is this session under the same id.
    pub(crate) fn is(&self, other: &Self) -> bool {
        self.row == other.row
    }

    /// Whether `other` is this session, under this id or a later one. A different session that began in the same second
    /// and has a later id also counts.
    pub(crate) fn means(&self, other: &Self) -> bool {
        self.is(other) || (self.created_at == other.created_at && self.issued_at < other.issued_at)
    }
}

impl fmt::Display for PublicSessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let times = [self.created_at, self.issued_at].map(|it| it.as_unix_seconds().to_be_bytes());
        let bytes = [times.as_flattened(), &self.row].concat();
        f.write_str(&encoding::encode(&bytes))
    }
}

impl fmt::Debug for PublicSessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicSessionId({self})")
    }
}

impl FromStr for PublicSessionId {
    type Err = InvalidSessionId;

    fn from_str(text: &str) -> Result<Self, InvalidSessionId> {
        let mut bytes = [0; LEN];
        encoding::decode_secret(text.as_bytes(), &mut bytes).ok_or(InvalidSessionId)?;
        let (created_at, rest) = bytes.split_first_chunk().ok_or(InvalidSessionId)?;
        let (issued_at, row) = rest.split_first_chunk().ok_or(InvalidSessionId)?;
        // Exactly, so that no two texts are one id.
        let time = |bytes: &[u8; 8]| {
            Timestamp::of_exactly(u64::from_be_bytes(*bytes)).ok_or(InvalidSessionId)
        };
        Ok(Self {
            created_at: time(created_at)?,
            issued_at: time(issued_at)?,
            row: row.try_into().map_err(|_| InvalidSessionId)?,
        })
    }
}

/// Serialized as its text.
impl Serialize for PublicSessionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PublicSessionId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// The text is not a [`PublicSessionId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidSessionId;

sentences! { InvalidSessionId:
    Self => "this is not the public id of a session; take it from a list of sessions as it is";
}

const LEN: usize = 8 + 8 + 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn handle(row: u8, created_at: u64, issued_at: u64) -> PublicSessionId {
        let [created_at, issued_at] = [created_at, issued_at].map(Timestamp::from_unix_seconds);
        PublicSessionId::new(&RowKey::from_bytes([row; 32]), created_at, issued_at)
    }

    #[test]
    fn the_text_is_the_handle() {
        let one = handle(1, 7, 8);
        let text = one.to_string();
        assert_eq!(text.len(), 43);
        assert_eq!(text.parse(), Ok(one));
        let (longer, padded) = (format!("{text}A"), text.replace('A', "="));
        for other in ["", "x", &text[1..], &longer, &padded] {
            let parsed = other.parse::<PublicSessionId>();
            assert_eq!(parsed, Err(InvalidSessionId), "{other}");
        }
    }

    #[test]
    fn an_id_has_one_text() {
        for last_second in 0..2 {
            let mut bytes = [7; LEN];
            bytes[8 * last_second..][..8].fill(u8::MAX);
            let text = encoding::encode(&bytes);
            assert_eq!(text.parse::<PublicSessionId>(), Err(InvalidSessionId));
            bytes[8 * last_second + 7] -= 1;
            let text = encoding::encode(&bytes);
            assert_eq!(text.parse::<PublicSessionId>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn it_shows_nothing_of_the_row_key() {
        let bytes = std::array::from_fn(|i| i as u8);
        let [created_at, issued_at] = [Timestamp::default(); 2];
        let id = PublicSessionId::new(&RowKey::from_bytes(bytes), created_at, issued_at);
        let shown = encoding::decode(id.to_string().as_bytes(), 64).unwrap();
        for part in bytes.windows(4).skip(1) {
            assert!(!shown.windows(4).any(|window| window == part), "{part:?}");
        }
    }

    #[test]
    fn it_means_the_session_under_later_ids_too() {
        let listed = handle(1, 7, 8);
        assert!(listed.means(&handle(1, 7, 8)));
        assert!(listed.means(&handle(2, 7, 9)), "a new id since");
        assert!(!listed.means(&handle(2, 7, 8)), "of the same second");
        assert!(!listed.means(&handle(2, 6, 9)), "another one");
    }
}
