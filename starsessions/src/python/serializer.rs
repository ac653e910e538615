//! Converts a session's values to bytes, and back.

use super::format::FormatError;
use crate::takeover::JsonObject;

/// Writes and reads a session's values: `Serializer` of the Python library.
///
/// Implement it for a custom serializer of the Python deployment, such as one for MessagePack.
pub trait Serializer: Send + Sync + 'static {
    /// The bytes of these values.
    ///
    /// # Errors
    /// If they cannot be written.
    fn serialize(&self, values: &JsonObject) -> Result<Vec<u8>, FormatError>;

    /// The values in these bytes. Empty bytes have no values.
    ///
    /// # Errors
    /// If they are not what [`serialize`](Self::serialize) writes.
    fn deserialize(&self, bytes: &[u8]) -> Result<JsonObject, FormatError>;
}

/// `JsonSerializer`, the default: the JSON of Python's `json.dumps`.
///
/// If Python has a custom encoder or decoder class, write a [`Serializer`], or give the field a type with its own
/// `Deserialize`.
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
