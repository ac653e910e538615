//! A key ring as text: `active, accepted, accepted@unix-seconds`.

use std::env::{self, VarError};
use std::str::FromStr;

use zeroize::Zeroizing;

use super::{KeyRing, KeyRingError};
use crate::clock::Timestamp;
use crate::crypto::key::Key;

impl KeyRing {
    /// The ring in an environment variable; see [`parse`](Self::parse) for its form.
    ///
    /// # Errors
    /// [`KeyRingError::Variable`], which names the variable, what is wrong with it, and how to make
    /// a key. It never shows the value.
    ///
    /// ```
    /// use starsessions::KeyRing;
    ///
    /// let error = KeyRing::from_env("SESSION_KEYS_OF_THIS_EXAMPLE").unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "SESSION_KEYS_OF_THIS_EXAMPLE: it is not set; \
    ///      make a key with `openssl rand -base64 32` and list it first, older keys behind it: \
    ///      \"newkey...=,oldkey...=@1798761600\"",
    /// );
    /// ```
    pub fn from_env(variable: &str) -> Result<Self, KeyRingError> {
        let value = env::var(variable).map(Zeroizing::new);
        let ring = match value {
            Ok(value) => Self::parse(&value),
            Err(VarError::NotPresent) => Err(KeyRingError::NotSet),
            Err(VarError::NotUnicode(_)) => Err(KeyRingError::NotUnicode),
        };
        ring.map_err(|reason| KeyRingError::Variable {
            name: variable.to_owned(),
            reason: Box::new(reason),
        })
    }

    /// The ring that a text lists: base64 keys (see [`Key::from_base64`]), separated by commas or white
    /// space, the active one first. A byte order mark before them is skipped.
    ///
    /// An accepted key may end at a time in Unix seconds, written behind it: `key@1798761600`.
    ///
    /// # Errors
    /// [`KeyRingError`], which counts the items from one and never shows them.
    ///
    /// ```
    /// use starsessions::keys::{KeyError, KeyRingError};
    /// use starsessions::KeyRing;
    ///
    /// let error = KeyRing::parse("c2hvcnQ=").unwrap_err();
    /// assert!(matches!(
    ///     error,
    ///     KeyRingError::Key { item: 1, source: KeyError::Length { bytes: 5 } },
    /// ));
    /// ```
    pub fn parse(keys: &str) -> Result<Self, KeyRingError> {
        // Windows editors begin a file with a byte order mark.
        let mut items = keys
            .strip_prefix('\u{feff}')
            .unwrap_or(keys)
            .split(|separator: char| separator == ',' || separator.is_ascii_whitespace())
            .filter(|item| !item.is_empty())
            .zip(1..);
        let (active, not_after) = items.next().map(parse_item).ok_or(KeyRingError::Empty)??;
        if not_after.is_some() {
            return Err(KeyRingError::ActiveEnds);
        }
        items.try_fold(Self::new(active), |ring, item| {
            let (key, not_after) = parse_item(item)?;
            ring.accept(key, not_after)
        })
    }
}

/// See [`KeyRing::parse`].
impl FromStr for KeyRing {
    type Err = KeyRingError;

    fn from_str(keys: &str) -> Result<Self, KeyRingError> {
        Self::parse(keys)
    }
}

fn parse_item((text, item): (&str, usize)) -> Result<(Key, Option<Timestamp>), KeyRingError> {
    let (key, not_after) = match text.split_once('@') {
        Some((key, end)) => (
            key,
            Some(parse_end(end).ok_or(KeyRingError::Deadline { item })?),
        ),
        None => (text, None),
    };
    let key = Key::from_base64(key).map_err(|source| KeyRingError::Key { item, source })?;
    Ok((key, not_after))
}

/// Digits alone: `u64::from_str` would also take a `+`.
fn parse_end(text: &str) -> Option<Timestamp> {
    if !text.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().map(Timestamp::from_unix_seconds)
}
