//! From the values of a session to bytes and back.

use super::format::FormatError;
use crate::takeover::JsonObject;

/// Writes and reads a session's values: `Serializer` of the Python library.
///
/// A serializer of one's own, such as MessagePack's, does what the Python class does.
pub trait Serializer: Send + Sync + 'static {
    /// The bytes of these values.
    ///
    /// # Errors
    /// If they cannot be written.
    fn serialize(&self, values: &JsonObject) -> Result<Vec<u8>, FormatError>;

    /// The values in these bytes; none in no bytes.
    ///
    /// # Errors
    /// If they are not what [`serialize`](Self::serialize) writes.
    fn deserialize(&self, bytes: &[u8]) -> Result<JsonObject, FormatError>;
}

/// `JsonSerializer`, the default: the JSON of Python's `json.dumps`.
///
/// An encoder or decoder class that Python was given is a [`Serializer`] of one's own here, or a type with
/// its own `Deserialize` on the field.
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonSerializer;

impl Serializer for JsonSerializer {
    fn serialize(&self, values: &JsonObject) -> Result<Vec<u8>, FormatError> {
        Ok(values.to_json().into_bytes())
    }

    fn deserialize(&self, bytes: &[u8]) -> Result<JsonObject, FormatError> {
        if bytes.is_empty() {
            return Ok(JsonObject::default());
        }
        JsonObject::parse(bytes).ok_or(FormatError::Undecodable)
    }
}
