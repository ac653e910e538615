//! Converts a session's values to the bytes that a store of the Python library keeps, and back.

use std::error::Error;
use std::sync::Arc;

use super::encryptor::{Encryptor, NoopEncryptor};
use super::metadata::{METADATA, Metadata};
use super::serializer::{JsonSerializer, Serializer};
use crate::sentence::{debug_as_name, sentences};
use crate::takeover::JsonObject;

/// Why a session cannot be read or written in Python's format. The error contains no value.
#[derive(Debug)]
#[non_exhaustive]
pub enum FormatError {
    /// The bytes were not encrypted with one of the encryptor's keys, or were changed since.
    Undecryptable,
    /// The bytes are not a JSON object, or their `__metadata__` is not one.
    Undecodable,
    /// A field of the namespace `python` is not stored as JSON.
    NotJson(String),
    /// The values cannot be written.
    Unwritable(Box<dyn Error + Send + Sync>),
}

sentences! { FormatError:
    Self::NotJson(name) => "`{name}` is not stored as JSON, so Python could not read it; add `codec = json` to the field, and leave \
        `version` off";
    Self::Undecryptable => "the session cannot be decrypted; give the encryptor the key that Python has, or had";
    Self::Undecodable => "the session is not what Python's serializer writes; give the store the serializer that Python has";
    Self::Unwritable(source) => "the session cannot be written in Python's format", from &**source;
}

/// The steps between a session and its stored bytes, in this order.
#[derive(Clone)]
pub(super) struct Format {
    pub(super) serializer: Arc<dyn Serializer>,
    pub(super) encryptor: Arc<dyn Encryptor>,
}

/// A session as Python keeps it: its values and its metadata.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    pub(crate) values: JsonObject,
    pub(crate) metadata: Metadata,
}

impl Format {
    pub(super) fn open(&self, bytes: &[u8]) -> Result<Content, FormatError> {
        let plain = self.encryptor.decrypt(bytes)?;
        let mut values = self.serializer.deserialize(&plain)?;
        let metadata = match values.remove(METADATA) {
            None => Metadata::default(),
            Some(text) => Metadata::parse(&text).ok_or(FormatError::Undecodable)?,
        };
        Ok(Content { values, metadata })
    }

    pub(super) fn close(&self, content: &Content) -> Result<Vec<u8>, FormatError> {
        let mut values = content.values.clone();
        // The metadata is the last value, as in Python.
        values.remove(METADATA);
        values.set_text(METADATA, &content.metadata.to_json());
        self.encryptor.encrypt(&self.serializer.serialize(&values)?)
    }
}

impl Default for Format {
    fn default() -> Self {
        Self {
            serializer: Arc::new(JsonSerializer),
            encryptor: Arc::new(NoopEncryptor),
        }
    }
}

debug_as_name!(Format);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::python::fernet::FernetKey;
    use crate::python::{AesGcmEncryptor, CookieStore, FernetEncryptor};
    use serde_json::Value;

    fn vectors(kind: &str, count: usize) -> Vec<Value> {
        let vectors = include_str!("vectors.json");
        let vectors: Value = serde_json::from_str(vectors).unwrap();
        let vectors = vectors[kind].as_array().unwrap().clone();
        assert_eq!(vectors.len(), count, "{kind}");
        vectors
    }

    fn text<'v>(vector: &'v Value, name: &str) -> &'v str {
        vector[name].as_str().unwrap()
    }

    fn hex(vector: &Value, name: &str) -> Vec<u8> {
        let text = text(vector, name);
        let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
        (0..text.len()).step_by(2).map(byte).collect()
    }

    #[test]
    fn json_of_python_is_read_and_written_byte_for_byte() {
        for vector in vectors("json", 6) {
            let bytes = text(&vector, "bytes").as_bytes();
            let values = JsonSerializer.deserialize(bytes).unwrap();
            let mut expected = vector["value"].as_object().unwrap().keys();
            assert!(expected.all(|name| values.text(name).is_some()));
            let written = JsonSerializer.serialize(&values).unwrap();
            assert_eq!(String::from_utf8_lossy(&written), text(&vector, "bytes"));

            let content = Format::default().open(bytes).unwrap();
            assert!(content.values.text(METADATA).is_none());
            if vector["value"].get(METADATA).is_some() {
                assert_eq!(Format::default().close(&content).unwrap(), bytes);
            }
        }
    }

    #[test]
    fn cookies_are_signed_byte_for_byte_as_python_signs_them() {
        for vector in vectors("cookie_store", 36) {
            let store = CookieStore::new(text(&vector, "secret"));
            let now = Timestamp::from_unix_seconds(vector["ts"].as_u64().unwrap());
            let (data, cookie) = (hex(&vector, "payload_hex"), text(&vector, "cookie"));
            assert_eq!(store.sign(&data, now), cookie);
            let hour = std::time::Duration::from_secs(3600);
            let verify = |cookie: &str, at| store.verify(cookie, hour, at).map(|(data, _)| data);
            assert_eq!(verify(cookie, now).as_ref(), Some(&data));
            assert_eq!(verify(cookie, now + hour), Some(data), "in its last second");
            let second = std::time::Duration::from_secs(1);
            assert_eq!(verify(cookie, now + hour + second), None, "over");
            let before = Timestamp::from_unix_seconds(now.as_unix_seconds() - 1);
            assert_eq!(verify(cookie, before), None, "of the future");
            for place in 0..cookie.len() {
                let mut bytes = cookie.as_bytes().to_vec();
                bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
                let changed = String::from_utf8(bytes).unwrap();
                assert_eq!(verify(&changed, now), None, "{changed}");
            }
            let rotated = CookieStore::new("a new secret of today").accept(text(&vector, "secret"));
            assert!(rotated.verify(cookie, hour, now).is_some());
        }
    }

    #[test]
    fn fernet_reads_what_python_has_encrypted() {
        for vector in vectors("fernet", 6) {
            let encryptor = FernetEncryptor::new(text(&vector, "key")).unwrap();
            let plain = hex(&vector, "plaintext_hex");
            let token = text(&vector, "token").as_bytes();
            assert_eq!(encryptor.decrypt(token).unwrap(), plain);
            judge(&encryptor, token, &plain);
            let key = FernetKey::new(text(&vector, "key")).unwrap();
            let (seconds, iv) = (vector["ts"].as_u64().unwrap(), hex(&vector, "iv_hex"));
            let made = key.encrypt(&plain, seconds, &iv.try_into().unwrap());
            assert_eq!(made.as_bytes(), token, "byte for byte");
        }
        let new = FernetEncryptor::new("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=").unwrap();
        let old = "__________________________________________8=";
        let sealed = FernetEncryptor::new(old).unwrap().encrypt(b"old").unwrap();
        assert!(new.decrypt(&sealed).is_err());
        assert_eq!(new.accept(old).unwrap().decrypt(&sealed).unwrap(), b"old");
        for key in ["", "AAEC", "__________________________________________8"] {
            assert!(FernetEncryptor::new(key).is_err(), "{key}");
        }
    }

    #[test]
    fn aes_gcm_reads_what_python_has_encrypted() {
        for vector in vectors("aesgcm", 6) {
            let encryptor = AesGcmEncryptor::new(&hex(&vector, "key_hex")).unwrap();
            let (sealed, plain) = (hex(&vector, "out_hex"), hex(&vector, "plaintext_hex"));
            assert_eq!(encryptor.decrypt(&sealed).unwrap(), plain);
            assert_eq!(encryptor.decrypt(&sealed[..11]).unwrap(), b"");
            judge(&encryptor, &sealed, &plain);
        }
        let old = AesGcmEncryptor::new(&[1; 16])
            .unwrap()
            .encrypt(b"old")
            .unwrap();
        let new = AesGcmEncryptor::new(&[2; 32]).unwrap();
        assert!(new.decrypt(&old).is_err());
        assert_eq!(new.accept(&[1; 16]).unwrap().decrypt(&old).unwrap(), b"old");
        assert!(AesGcmEncryptor::new(&[0; 31]).is_err());
    }

    #[test]
    fn a_signed_cookie_can_hold_an_encrypted_session() {
        for vector in vectors("combined", 1) {
            let now = Timestamp::from_unix_seconds(1_700_000_000);
            let store = CookieStore::new("secret");
            let hour = std::time::Duration::from_secs(3600);
            let (data, _) = store.verify(text(&vector, "cookie"), hour, now).unwrap();
            let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
            let format = Format {
                encryptor: Arc::new(FernetEncryptor::new(key).unwrap()),
                ..Format::default()
            };
            let content = format.open(&data).unwrap();
            assert_eq!(content.values.get::<u64>("user_id"), Some(42));
            assert_eq!(content.values.get::<String>("name").unwrap(), "é🍪");
            assert_eq!(content.metadata.created(now), Some(now));
        }
    }

    /// Encrypted bytes come back, never look the same, and fail with any bit changed.
    fn judge(encryptor: &dyn Encryptor, sealed: &[u8], plain: &[u8]) {
        let again = encryptor.encrypt(plain).unwrap();
        assert_eq!(encryptor.decrypt(&again).unwrap(), plain);
        assert_ne!(again, encryptor.encrypt(plain).unwrap());
        for place in 12..sealed.len() {
            let mut changed = sealed.to_vec();
            changed[place] ^= 1;
            assert!(encryptor.decrypt(&changed).is_err(), "byte {place}");
        }
    }

    #[test]
    fn what_is_not_an_object_is_refused_and_nothing_is_an_empty_session() {
        let format = Format::default();
        assert_eq!(format.open(b"").unwrap().values.to_json(), "{}");
        for text in [
            "[]",
            "null",
            "1",
            "{",
            "{\"a\": NaN}",
            "{\"__metadata__\": []}",
            "{\"__metadata__\": null}",
            "{\"__metadata__\": {\"created\": \"now\"}}",
            "\u{feff}{}",
        ] {
            assert!(
                matches!(format.open(text.as_bytes()), Err(FormatError::Undecodable)),
                "{text}"
            );
        }
    }
}
