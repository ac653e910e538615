//! Protection of the bytes of a session in its store.

use aes::Aes192;
use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{self, Aead, AeadCore, KeyInit};
use aes_gcm::{Aes128Gcm, Aes256Gcm, AesGcm};

use super::format::FormatError;
use crate::crypto;
use crate::sentence::{debug_as_name, debug_as_sentence, sentences};

/// Encrypts and decrypts a session's bytes: `Encryptor` of the Python library.
pub trait Encryptor: Send + Sync + 'static {
    /// The encrypted form of `data`.
    ///
    /// # Errors
    /// If the encryption fails, for example for lack of randomness.
    fn encrypt(&self, data: &[u8]) -> Result<Vec<u8>, FormatError>;

    /// Returns the bytes that were encrypted.
    ///
    /// # Errors
    /// If `data` was not made with a key of this encryptor, or was changed since.
    fn decrypt(&self, data: &[u8]) -> Result<Vec<u8>, FormatError>;
}

/// `NoopEncryptor`, the default: no encryption, as always in version 2.2 of the Python library.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoopEncryptor;

impl Encryptor for NoopEncryptor {
    fn encrypt(&self, data: &[u8]) -> Result<Vec<u8>, FormatError> {
        Ok(data.to_vec())
    }

    fn decrypt(&self, data: &[u8]) -> Result<Vec<u8>, FormatError> {
        Ok(data.to_vec())
    }
}

/// `AESGCMEncryptor`: a nonce of twelve bytes, then AES-GCM without associated data.
///
/// Python binds the bytes to nothing, so a writer to the store can put one user's session in the place
/// of another's. Sessions that were [taken over](crate::takeover) are bound to their row.
pub struct AesGcmEncryptor {
    active: Box<dyn Cipher>,
    accepted: Vec<Box<dyn Cipher>>,
}

/// AES-GCM with a key of one of its three lengths.
trait Cipher: Send + Sync {
    fn encrypt(&self, nonce: &[u8; NONCE], data: &[u8]) -> aead::Result<Vec<u8>>;
    fn decrypt(&self, nonce: &[u8; NONCE], data: &[u8]) -> aead::Result<Vec<u8>>;
}

impl<C: Aead + AeadCore<NonceSize = U12> + Send + Sync> Cipher for C {
    fn encrypt(&self, nonce: &[u8; NONCE], data: &[u8]) -> aead::Result<Vec<u8>> {
        Aead::encrypt(self, nonce.into(), data)
    }

    fn decrypt(&self, nonce: &[u8; NONCE], data: &[u8]) -> aead::Result<Vec<u8>> {
        Aead::decrypt(self, nonce.into(), data)
    }
}

fn cipher(key: &[u8]) -> Result<Box<dyn Cipher>, InvalidKey> {
    let cipher = match key.len() {
        16 => Aes128Gcm::new_from_slice(key).map(|it| Box::new(it) as _),
        24 => AesGcm::<Aes192, U12>::new_from_slice(key).map(|it| Box::new(it) as _),
        _ => Aes256Gcm::new_from_slice(key).map(|it| Box::new(it) as _),
    };
    cipher.map_err(|_| InvalidKey("16, 24 or 32 bytes long"))
}

/// A key that does not fit the cipher.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct InvalidKey(pub(super) &'static str);

debug_as_sentence!(InvalidKey);

sentences! { InvalidKey: Self(length) => "the key of Python's encryptor must be {length}"; }

impl AesGcmEncryptor {
    /// An encryptor with Python's key of 16, 24 or 32 bytes.
    ///
    /// # Errors
    /// If the key has another length.
    pub fn new(key: &[u8]) -> Result<Self, InvalidKey> {
        Ok(Self {
            active: cipher(key)?,
            accepted: Vec::new(),
        })
    }

    /// Also decrypts what was encrypted with this key, so that keys can be rotated.
    ///
    /// # Errors
    /// If the key has another length.
    pub fn accept(mut self, key: &[u8]) -> Result<Self, InvalidKey> {
        self.accepted.push(cipher(key)?);
        Ok(self)
    }
}

impl Encryptor for AesGcmEncryptor {
    fn encrypt(&self, data: &[u8]) -> Result<Vec<u8>, FormatError> {
        let nonce: [u8; NONCE] =
            crypto::random_bytes().map_err(|error| FormatError::Unwritable(error.into()))?;
        let sealed = self
            .active
            .encrypt(&nonce, data)
            .map_err(|error| FormatError::Unwritable(error.to_string().into()))?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// Bytes too short for a nonce are an empty session, as in Python.
    fn decrypt(&self, data: &[u8]) -> Result<Vec<u8>, FormatError> {
        let Some((nonce, sealed)) = data.split_first_chunk::<NONCE>() else {
            return Ok(Vec::new());
        };
        std::iter::once(&self.active)
            .chain(&self.accepted)
            .find_map(|cipher| cipher.decrypt(nonce, sealed).ok())
            .ok_or(FormatError::Undecryptable)
    }
}

debug_as_name!(AesGcmEncryptor);

const NONCE: usize = 12;
