//! The fields of one session as a JSON document that the server can change by name.
//!
//! ```text
//! { name: { "v": value, "r": revision, "e": expires_at, "i": idle_at, "x": index }, … }
//! ```
//!
//! Names, values and index keys are base64url: a name needs no quoting in a path, and no character
//! set can change a byte. `e`, `i` and `x` may be absent.

use base64ct::{Base64UrlUnpadded, Encoding};
use bytes::Bytes;
use serde_json::{Map, Value};

use crate::crypto::IndexKey;
use crate::record::{Commit, Field, FieldName, FieldWrite, Fields};
use crate::store::sql::{Malformed, clamped, seconds, time};

/// All fields of a record.
pub(super) fn document(fields: &Fields) -> String {
    let members = fields.iter().map(|(name, field)| {
        let mut write = FieldWrite::new(field.value.clone());
        write.expires_at = field.expires_at;
        write.idle_at = field.idle_at;
        write.index = field.index.clone();
        let mut member = member(&write, &clamped(field.revision).into());
        member.retain(|_, value| !value.is_null());
        (key(name), member.into())
    });
    Value::Object(members.collect()).to_string()
}

/// What a commit sets and removes, as a merge patch (RFC 7396).
pub(super) fn patch(commit: &Commit) -> String {
    let removed = commit.remove.iter().map(|name| (key(name), Value::Null));
    let set = commit.set.iter().map(|(name, write)| {
        let mut write = write.clone();
        for (_, deadline) in commit.touch.idle.iter().filter(|(idle, _)| idle == name) {
            write.idle_at = write.idle_at.map(|idle_at| idle_at.max(*deadline));
        }
        // What is `null` is removed, also within a field that was there before.
        (key(name), member(&write, &NEW_REVISION.into()).into())
    });
    Value::Object(removed.chain(set).collect()).to_string()
}

/// Where the revision of a field is.
pub(super) fn revision_path(name: &FieldName) -> String {
    format!("$.\"{}\".r", key(name))
}

/// Where the idle deadline of a field is, if it has one.
pub(super) fn idle_path(name: &FieldName) -> String {
    format!("$.\"{}\".i", key(name))
}

pub(super) fn decode(document: &str) -> Result<Fields, Malformed> {
    let members: Map<String, Value> = serde_json::from_str(document).map_err(|_| Malformed)?;
    members
        .into_iter()
        .map(|(key, member)| {
            let name = Base64UrlUnpadded::decode_vec(&key).map_err(|_| Malformed)?;
            let name = String::from_utf8(name).map_err(|_| Malformed)?;
            Ok((name.into(), decode_member(&member)?))
        })
        .collect()
}

fn decode_member(member: &Value) -> Result<Field, Malformed> {
    let mut field = Field::new(Bytes::new(), 0);
    for (name, value) in member.as_object().ok_or(Malformed)? {
        match (name.as_str(), value) {
            ("v", Value::String(value)) => field.value = decode_bytes(value)?.into(),
            ("r", Value::Number(revision)) => {
                field.revision = revision.as_u64().ok_or(Malformed)?
            }
            ("e", Value::Number(at)) => {
                field.expires_at = Some(time(at.as_i64().ok_or(Malformed)?))
            }
            ("i", Value::Number(at)) => field.idle_at = Some(time(at.as_i64().ok_or(Malformed)?)),
            ("x", Value::String(index)) => {
                let index = decode_bytes(index)?.try_into().map_err(|_| Malformed)?;
                field.index = Some(IndexKey::from_bytes(index));
            }
            _ => return Err(Malformed),
        }
    }
    // A revision is never 0: that is how a guard says "absent".
    if field.revision == 0 || !member["v"].is_string() {
        return Err(Malformed);
    }
    Ok(field)
}

fn member(write: &FieldWrite, revision: &Value) -> Map<String, Value> {
    let index = write
        .index
        .as_ref()
        .map(|index| encode_bytes(index.as_bytes()));
    [
        ("v", encode_bytes(&write.value).into()),
        ("r", revision.clone()),
        ("e", write.expires_at.map(seconds).into()),
        ("i", write.idle_at.map(seconds).into()),
        ("x", index.into()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into_iter()
    .collect()
}

fn key(name: &FieldName) -> String {
    encode_bytes(name.as_bytes())
}

fn encode_bytes(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

fn decode_bytes(text: &str) -> Result<Vec<u8>, Malformed> {
    Base64UrlUnpadded::decode_vec(text).map_err(|_| Malformed)
}

/// Becomes the new revision on the server; nothing that is base64url holds such a character.
const NEW_REVISION: &str = "#";
