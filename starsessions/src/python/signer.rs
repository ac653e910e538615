//! `TimestampSigner` of the Python package `itsdangerous`, with its defaults.
//!
//! ```text
//! text = value ‖ "." ‖ time ‖ "." ‖ signature
//! time = base64url of the Unix seconds, big-endian without leading zeros
//! signature = base64url(HMAC-SHA1(key, value ‖ "." ‖ time))
//! key  = SHA-1("itsdangerous.Signer" ‖ "signer" ‖ secret)        "django-concat"
//! ```

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::{Digest, Sha1};
use zeroize::Zeroizing;

use crate::clock::Timestamp;

pub(super) struct TimestampSigner(Zeroizing<[u8; BLOCK]>);

impl TimestampSigner {
    pub(super) fn new(secret: &str) -> Self {
        let key = Sha1::new_with_prefix("itsdangerous.Signer").chain_update("signer");
        let mut block = Zeroizing::new([0; BLOCK]);
        let (start, _) = block.split_at_mut(TAG);
        start.copy_from_slice(&key.chain_update(secret).finalize());
        Self(block)
    }

    pub(super) fn sign(&self, value: &str, now: Timestamp) -> String {
        let seconds = now.as_unix_seconds().to_be_bytes();
        let zeros = seconds.iter().take_while(|byte| **byte == 0).count();
        let time = URL_SAFE_NO_PAD.encode(seconds.get(zeros..).unwrap_or_default());
        let signed = format!("{value}.{time}");
        let signature = self.mac(&signed).finalize().into_bytes();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The value and when it was signed; `None` if it was not signed with this secret.
    pub(super) fn unsign<'t>(&self, text: &'t str) -> Option<(&'t str, Timestamp)> {
        let (signed, signature) = text.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        let signature: [u8; TAG] = signature.try_into().ok()?;
        // In constant time.
        self.mac(signed).verify(&signature.into()).ok()?;
        let (value, time) = signed.rsplit_once('.')?;
        let time = URL_SAFE_NO_PAD.decode(time).ok()?;
        let seconds = time.iter().try_fold(0_u64, |seconds, byte| {
            Some(seconds.checked_mul(256)? + u64::from(*byte))
        })?;
        Some((value, Timestamp::from_unix_seconds(seconds)))
    }

    fn mac(&self, signed: &str) -> Hmac<Sha1> {
        Hmac::new((&*self.0).into()).chain_update(signed)
    }
}

const BLOCK: usize = 64;
const TAG: usize = 20;
