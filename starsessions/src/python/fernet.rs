//! Fernet, as in the Python package `cryptography`.
//!
//! ```text
//! key   = base64url(signing key(16) ‖ encryption key(16))
//! token = base64url(0x80 ‖ seconds u64 ‖ iv(16) ‖ AES-128-CBC(PKCS #7) ‖ HMAC-SHA256 of all before)
//! ```
//!
//! See <https://github.com/fernet/spec/blob/master/Spec.md>. This module has the framing; AES, CBC and padding
//! are from the RustCrypto project.

use aes::Aes128;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use zeroize::Zeroizing;

use super::encryptor::{Encryptor, InvalidKey};
use super::format::FormatError;
use crate::clock::{Clock, SystemClock};
use crate::crypto::{MacKey, random_bytes};
use crate::sentence::debug_as_name;

/// `FernetEncryptor`: Fernet tokens, whose time is not checked, as in Python.
pub struct FernetEncryptor {
    active: FernetKey,
    accepted: Vec<FernetKey>,
}

pub(super) struct FernetKey {
    signing: MacKey,
    encryption: Zeroizing<[u8; HALF]>,
}

impl FernetEncryptor {
    /// An encryptor with Python's key: 32 bytes as base64url, as `Fernet.generate_key()` returns.
    ///
    /// # Errors
    /// If the key has another form.
    pub fn new(key: &str) -> Result<Self, InvalidKey> {
        Ok(Self {
            active: FernetKey::new(key)?,
            accepted: Vec::new(),
        })
    }

    /// Also decrypts what was encrypted with this key, so that keys can be rotated.
    ///
    /// # Errors
    /// If the key has another form.
    pub fn accept(mut self, key: &str) -> Result<Self, InvalidKey> {
        self.accepted.push(FernetKey::new(key)?);
        Ok(self)
    }
}

impl Encryptor for FernetEncryptor {
    fn encrypt(&self, data: &[u8]) -> Result<Vec<u8>, FormatError> {
        let iv = random_bytes().map_err(|error| FormatError::Unwritable(error.into()))?;
        // A custom encryptor in Python may check the age of a token.
        let now = SystemClock.now().as_unix_seconds();
        Ok(self.active.encrypt(data, now, &iv).into_bytes())
    }

    fn decrypt(&self, data: &[u8]) -> Result<Vec<u8>, FormatError> {
        let raw = URL_SAFE
            .decode(data)
            .map_err(|_| FormatError::Undecryptable)?;
        std::iter::once(&self.active)
            .chain(&self.accepted)
            .find_map(|key| key.decrypt(&raw))
            .ok_or(FormatError::Undecryptable)
    }
}

impl FernetKey {
    pub(super) fn new(text: &str) -> Result<Self, InvalidKey> {
        let invalid = InvalidKey("32 bytes as base64url, what `Fernet.generate_key()` returns");
        let raw = Zeroizing::new(URL_SAFE.decode(text).map_err(|_| invalid)?);
        let (signing, encryption) = raw.split_first_chunk().ok_or(invalid)?;
        Ok(Self {
            signing: MacKey::new::<HALF>(signing),
            encryption: Zeroizing::new(encryption.try_into().map_err(|_| invalid)?),
        })
    }

    pub(super) fn encrypt(&self, data: &[u8], seconds: u64, iv: &[u8; BLOCK]) -> String {
        let mut raw = vec![VERSION];
        raw.extend_from_slice(&seconds.to_be_bytes());
        raw.extend_from_slice(iv);
        let cipher = cbc::Encryptor::<Aes128>::new((&*self.encryption).into(), iv.into());
        raw.extend_from_slice(&cipher.encrypt_padded_vec::<Pkcs7>(data));
        raw.extend_from_slice(&*self.signing.tag(&raw));
        URL_SAFE.encode(raw)
    }

    /// The MAC is compared, in constant time, before anything is decrypted.
    fn decrypt(&self, raw: &[u8]) -> Option<Vec<u8>> {
        let (signed, tag) = raw.split_last_chunk::<TAG>()?;
        self.signing.message().part(signed).verify(tag).ok()?;
        let (head, sealed) = signed.split_first_chunk::<HEAD>()?;
        let (head, iv) = head.split_last_chunk::<BLOCK>()?;
        (head.first() == Some(&VERSION)).then_some(())?;
        let cipher = cbc::Decryptor::<Aes128>::new((&*self.encryption).into(), iv.into());
        cipher.decrypt_padded_vec::<Pkcs7>(sealed).ok()
    }
}

debug_as_name!(FernetEncryptor);

const VERSION: u8 = 0x80;
const HALF: usize = 16;
const BLOCK: usize = 16;
const TAG: usize = 32;
/// Version, time and initialisation vector.
const HEAD: usize = 1 + 8 + BLOCK;
