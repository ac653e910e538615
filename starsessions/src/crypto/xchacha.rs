//! XChaCha20-Poly1305 in place; each back end gives the same bytes.
//!
//! | features | back end |
//! |---|---|
//! | neither | crate `chacha20poly1305`, in Rust |
//! | `ring` | HChaCha20, then ring's cipher for short nonces |
//! | `aws-lc-rs` | HChaCha20, then AWS-LC's cipher for short nonces |
//!
//! If both features are on, ring is used.

#[cfg(any(feature = "ring", feature = "aws-lc-rs"))]
pub(super) use self::native::{decrypt, encrypt};
#[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
pub(super) use self::portable::{decrypt, encrypt};

pub(super) const KEY_LEN: usize = 32;
pub(super) const NONCE_LEN: usize = 24;
pub(super) const TAG_LEN: usize = 16;

/// The text is longer than the cipher allows, or its tag is wrong.
#[derive(Debug)]
pub(super) struct Refused;

#[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
mod portable {
    use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305};

    use super::{KEY_LEN, NONCE_LEN, Refused, TAG_LEN};

    /// Encrypts `text`; returns its tag.
    pub(crate) fn encrypt(
        key: &[u8; KEY_LEN],
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        text: &mut [u8],
    ) -> Result<[u8; TAG_LEN], Refused> {
        XChaCha20Poly1305::new(key.into())
            .encrypt_inout_detached(nonce.into(), aad, text.into())
            .map(Into::into)
            .map_err(|_| Refused)
    }

    /// Decrypts `sealed`, a text with its tag behind it.
    pub(crate) fn decrypt(
        key: &[u8; KEY_LEN],
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        sealed: &mut [u8],
    ) -> Result<(), Refused> {
        let (text, tag) = sealed.split_last_chunk_mut::<TAG_LEN>().ok_or(Refused)?;
        XChaCha20Poly1305::new(key.into())
            .decrypt_inout_detached(nonce.into(), aad, text.into(), (&*tag).into())
            .map_err(|_| Refused)
    }
}

/// These libraries take a quarter of the time, but contain assembly and C. Both have the cipher for short nonces under
/// the same names; HChaCha20 in front of it makes the cipher for long nonces (draft-irtf-cfrg-xchacha, 2.3).
#[cfg(any(feature = "ring", feature = "aws-lc-rs"))]
mod native {
    #[cfg(all(feature = "aws-lc-rs", not(feature = "ring")))]
    use aws_lc_rs::aead;
    use chacha20::R20;
    #[cfg(feature = "ring")]
    use ring::aead;
    use zeroize::Zeroizing;

    use self::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
    use super::{KEY_LEN, NONCE_LEN, Refused, TAG_LEN};

    /// Encrypts `text`; returns its tag.
    pub(crate) fn encrypt(
        key: &[u8; KEY_LEN],
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        text: &mut [u8],
    ) -> Result<[u8; TAG_LEN], Refused> {
        let (key, nonce) = short(key, nonce);
        let key = UnboundKey::new(&CHACHA20_POLY1305, &*key).map_err(|_| Refused)?;
        let tag = LessSafeKey::new(key)
            .seal_in_place_separate_tag(nonce, Aad::from(aad), text)
            .map_err(|_| Refused)?;
        tag.as_ref().try_into().map_err(|_| Refused)
    }

    /// Decrypts `sealed`, a text with its tag behind it.
    pub(crate) fn decrypt(
        key: &[u8; KEY_LEN],
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        sealed: &mut [u8],
    ) -> Result<(), Refused> {
        let (key, nonce) = short(key, nonce);
        let key = UnboundKey::new(&CHACHA20_POLY1305, &*key).map_err(|_| Refused)?;
        LessSafeKey::new(key)
            .open_in_place(nonce, Aad::from(aad), sealed)
            .map(|_| ())
            .map_err(|_| Refused)
    }

    /// The key and nonce of the inner cipher. The library's own key type takes half a kilobyte, so its callers make it
    /// in place.
    fn short(
        key: &[u8; KEY_LEN],
        [start @ .., a, b, c, d, e, f, g, h]: &[u8; NONCE_LEN],
    ) -> (Zeroizing<[u8; KEY_LEN]>, Nonce) {
        let inner: [u8; KEY_LEN] = chacha20::hchacha::<R20>(key.into(), start.into()).into();
        let nonce = [0, 0, 0, 0, *a, *b, *c, *d, *e, *f, *g, *h];
        (Zeroizing::new(inner), Nonce::assume_unique_for_key(nonce))
    }
}
