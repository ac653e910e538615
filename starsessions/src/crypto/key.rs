//! A master key: 32 random bytes.

use base64ct::{Base64, Encoding};
use zeroize::Zeroizing;

use super::encoding;
use super::random::{self, RandomError};
use crate::sentence::{debug_as_name, debug_as_sentence, sentences};

/// A master key: exactly 32 random bytes, from which a [`KeyRing`](super::KeyRing) derives one key
/// for each purpose.
///
/// Make one with `openssl rand -base64 32`, keep it outside the source, and give each environment
/// its own (ASVS 13.3.1). There are no passphrases: a key that a person can remember is a key that
/// a machine can guess.
///
/// The bytes are wiped when the key is dropped. A key cannot be copied, compared, printed or
/// serialized:
///
/// ```
/// use starsessions::keys::Key;
///
/// let key = Key::generate()?;
/// assert_eq!(format!("{key:?}"), "Key(..)");
/// # Ok::<(), starsessions::keys::RandomError>(())
/// ```
///
/// ```compile_fail
/// let key = starsessions::keys::Key::generate().unwrap();
/// let copy = key.clone();
/// ```
pub struct Key(Box<Zeroizing<[u8; Self::LEN]>>);

impl Key {
    /// The length of a key in bytes.
    pub const LEN: usize = 32;

    /// A new random key.
    ///
    /// # Errors
    /// [`RandomError`] if the operating system gives no random bytes.
    pub fn generate() -> Result<Self, RandomError> {
        let mut bytes = Box::new(Zeroizing::new([0; Self::LEN]));
        random::fill(bytes.as_mut_slice())?;
        Ok(Self(bytes))
    }

    /// A new random key as text, for a file or a secret store, in the form that `openssl rand -base64 32` prints. A
    /// `Key` itself is never shown.
    ///
    /// # Errors
    /// [`RandomError`] if the operating system gives no random bytes.
    ///
    /// ```
    /// use starsessions::KeyRing;
    /// use starsessions::keys::Key;
    ///
    /// let ring = KeyRing::parse(&Key::generate_base64()?)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn generate_base64() -> Result<String, RandomError> {
        Ok(Base64::encode_string(Self::generate()?.as_bytes()))
    }

    /// The key with these bytes, which must come from a random generator.
    ///
    /// # Errors
    /// [`KeyError`] if the bytes are visibly not random: one value repeated, an even count such as
    /// the `00 01 02 .. 1f` of published examples, or readable text.
    ///
    /// ```
    /// use starsessions::keys::{Key, KeyError};
    ///
    /// assert!(matches!(Key::from_bytes([7; 32]), Err(KeyError::Pattern)));
    /// assert!(matches!(Key::from_bytes(*b"correct horse battery staple!!!!"), Err(KeyError::Text)));
    /// ```
    pub fn from_bytes(bytes: [u8; Self::LEN]) -> Result<Self, KeyError> {
        let bytes = Zeroizing::new(bytes);
        reject_predictable(&bytes)?;
        Ok(Self(Box::new(bytes)))
    }

    /// The key that `text` encodes in base64 (RFC 4648).
    ///
    /// Either alphabet is accepted, the standard one (`+/`) or the URL-safe one (`-_`), but not both in one key; the
    /// `=` at the end may be left out. White space and line breaks are refused.
    ///
    /// # Errors
    /// [`KeyError`] if this is not base64, not 32 bytes, or visibly not random. The error never
    /// repeats the text.
    ///
    /// ```
    /// use starsessions::keys::{Key, KeyError};
    ///
    /// let error = Key::from_base64("c2hvcnQ=").err();
    /// assert!(matches!(error, Some(KeyError::Length { bytes: 5 })));
    /// ```
    pub fn from_base64(text: &str) -> Result<Self, KeyError> {
        let characters = text.chars().count();
        if characters > LONGEST_TEXT {
            return Err(KeyError::Encoding { characters });
        }
        let decoded =
            encoding::decode_key(text.as_bytes()).ok_or(KeyError::Encoding { characters })?;
        let bytes = decoded
            .as_slice()
            .try_into()
            .map_err(|_| KeyError::Length {
                bytes: decoded.len(),
            })?;
        Self::from_bytes(bytes)
    }

    pub(super) fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}

fn reject_predictable(bytes: &[u8; Key::LEN]) -> Result<(), KeyError> {
    let mut steps = bytes.windows(2).map(|pair| match pair {
        [a, b] => b.wrapping_sub(*a),
        _ => 0,
    });
    let first = steps.next();
    if steps.all(|step| Some(step) == first) {
        return Err(KeyError::Pattern);
    }
    // A random key is printable once in 6 * 10^13.
    if bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(KeyError::Text);
    }
    Ok(())
}

debug_as_name!(Key);

/// Why a text or bytes are not a key. The error never holds the rejected value.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// The text is not base64.
    Encoding {
        /// How many characters the text has.
        characters: usize,
    },
    /// The text is base64, but not of 32 bytes.
    Length {
        /// How many bytes it encodes.
        bytes: usize,
    },
    /// The bytes are all equal, or count up or down.
    Pattern,
    /// The bytes are readable text: a passphrase.
    Text,
}

debug_as_sentence!(KeyError);

sentences! { KeyError:
    Self::Encoding { characters } => "a key is base64, and these {characters} characters are not; make one with `openssl rand \
        -base64 32`";
    Self::Length { bytes } => "a key has 32 bytes (44 characters of base64), this one has {bytes}; make one with `openssl rand \
        -base64 32`";
    Self::Pattern => "the key repeats or counts, as keys in examples do; make one with `openssl rand -base64 32`";
    Self::Text => "the key is readable text, which can be guessed; make one with `openssl rand -base64 32`";
}

/// Far more than a key needs, so that the error for a longer value can still say how many bytes it has.
const LONGEST_TEXT: usize = 1024;
