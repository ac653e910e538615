//! XChaCha20-Poly1305 on bytes in place; the same bytes from either implementation.

#[cfg(not(feature = "ring"))]
pub(super) use self::portable::{decrypt, encrypt};
#[cfg(feature = "ring")]
pub(super) use self::with_ring::{decrypt, encrypt};

pub(super) const KEY_LEN: usize = 32;
pub(super) const NONCE_LEN: usize = 24;
pub(super) const TAG_LEN: usize = 16;

/// The text is longer than the cipher takes, or does not belong to its tag.
#[derive(Debug)]
pub(super) struct Refused;

#[cfg(not(feature = "ring"))]
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
        let sealed = XChaCha20Poly1305::new(key.into()).encrypt_inout_detached(
            nonce.into(),
            aad,
            text.into(),
        );
        sealed.map(Into::into).map_err(|_| Refused)
    }

    /// Decrypts `text`, if it belongs to the tag.
    pub(crate) fn decrypt(
        key: &[u8; KEY_LEN],
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), Refused> {
        XChaCha20Poly1305::new(key.into())
            .decrypt_inout_detached(nonce.into(), aad, text.into(), tag.into())
            .map_err(|_| Refused)
    }
}

/// A quarter of the time, for a dependency that is assembly and C: ring has the cipher for short
/// nonces, and HChaCha20 in front makes it the one for long ones (draft-irtf-cfrg-xchacha, 2.3).
#[cfg(feature = "ring")]
mod with_ring {
    use chacha20::R20;
    use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
    use zeroize::Zeroizing;

    use super::{KEY_LEN, NONCE_LEN, Refused, TAG_LEN};

    /// Encrypts `text`; returns its tag.
    pub(crate) fn encrypt(
        key: &[u8; KEY_LEN],
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        text: &mut [u8],
    ) -> Result<[u8; TAG_LEN], Refused> {
        let (key, nonce) = short(key, nonce)?;
        let tag = key
            .seal_in_place_separate_tag(nonce, Aad::from(aad), text)
            .map_err(|_| Refused)?;
        tag.as_ref().try_into().map_err(|_| Refused)
    }

    /// Decrypts `text`, if it belongs to the tag.
    pub(crate) fn decrypt(
        key: &[u8; KEY_LEN],
        nonce: &[u8; NONCE_LEN],
        aad: &[u8],
        text: &mut [u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), Refused> {
        let (key, nonce) = short(key, nonce)?;
        key.open_in_place_separate_tag(nonce, Aad::from(aad), (*tag).into(), text, 0..)
            .map(|_| ())
            .map_err(|_| Refused)
    }

    /// The key and nonce of the inner cipher.
    fn short(
        key: &[u8; KEY_LEN],
        [start @ .., a, b, c, d, e, f, g, h]: &[u8; NONCE_LEN],
    ) -> Result<(LessSafeKey, Nonce), Refused> {
        let inner: [u8; KEY_LEN] = chacha20::hchacha::<R20>(key.into(), start.into()).into();
        let inner = Zeroizing::new(inner);
        let key = UnboundKey::new(&CHACHA20_POLY1305, &*inner).map_err(|_| Refused)?;
        let nonce = [0, 0, 0, 0, *a, *b, *c, *d, *e, *f, *g, *h];
        Ok((LessSafeKey::new(key), Nonce::assume_unique_for_key(nonce)))
    }
}
