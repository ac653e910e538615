//! A key ring as text: `active, accepted, accepted@unix-seconds`.

use std::env::{self, VarError};

use zeroize::Zeroizing;

use super::{KeyRing, KeyRingError};
use crate::clock::Timestamp;
use crate::crypto::key::Key;

pub(super) fn from_env(variable: &str) -> Result<KeyRing, KeyRingError> {
    let value = env::var(variable).map(Zeroizing::new);
    let ring = match value {
        Ok(value) => parse(&value),
        Err(VarError::NotPresent) => Err(KeyRingError::NotSet),
        Err(VarError::NotUnicode(_)) => Err(KeyRingError::NotUnicode),
    };
    ring.map_err(|reason| KeyRingError::Variable {
        name: variable.to_owned(),
        reason: Box::new(reason),
    })
}

pub(super) fn parse(text: &str) -> Result<KeyRing, KeyRingError> {
    let mut items = text
        .split(|separator: char| separator == ',' || separator.is_ascii_whitespace())
        .filter(|item| !item.is_empty())
        .zip(1..);
    let (active, not_after) = items.next().map(parse_item).ok_or(KeyRingError::Empty)??;
    if not_after.is_some() {
        return Err(KeyRingError::ActiveEnds);
    }
    items.try_fold(KeyRing::new(active), |ring, item| {
        let (key, not_after) = parse_item(item)?;
        ring.accept(key, not_after)
    })
}

fn parse_item((text, item): (&str, usize)) -> Result<(Key, Option<Timestamp>), KeyRingError> {
    let (key, end) = match text.split_once('@') {
        Some((key, end)) => (key, Some(end)),
        None => (text, None),
    };
    let not_after = end
        .map(|end| parse_end(end).ok_or(KeyRingError::Deadline { item }))
        .transpose()?;
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
