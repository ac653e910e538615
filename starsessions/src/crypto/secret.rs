//! What a cookie keeps: 32 random bytes.

use zeroize::Zeroizing;

use super::random::{self, RandomError};

/// The secret of one session (ASVS 7.2.3: at least 128 bits; these are 256).
///
/// In a box, so that moving it leaves no copies; wiped on drop; without `Debug`, `Clone` or `==`.
pub(super) struct Secret(Box<Zeroizing<[u8; Self::LEN]>>);

impl Secret {
    pub(super) const LEN: usize = 32;

    pub(super) fn generate() -> Result<Self, RandomError> {
        let mut bytes = Box::new(Zeroizing::new([0; Self::LEN]));
        random::fill(bytes.as_mut_slice())?;
        Ok(Self(bytes))
    }

    pub(super) fn from_bytes(bytes: &[u8; Self::LEN]) -> Self {
        let mut secret = Box::new(Zeroizing::new([0; Self::LEN]));
        secret.copy_from_slice(bytes);
        Self(secret)
    }

    pub(super) fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }
}
