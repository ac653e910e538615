//! The tokens of a bound session, sealed or signed by the server.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::super::encoding;
use super::super::id::DeviceId;
use super::super::keyring::KeyRing;
use super::super::keyset;
use super::super::mac::{Pae, TAG_LEN};
use super::super::reference_token::{RAW_LEN, ReferenceToken};
use super::super::seal::{OVERHEAD, SealError};
use super::super::token::{HEADER_LEN, Header, InvalidToken, Version, header, split};
use super::es256::PublicKey;
use crate::clock::Timestamp;

/// An opened identifier, the name by which a browser refers to a binding.
pub(crate) struct Identifier {
    pub(crate) token: Arc<ReferenceToken>,
    pub(crate) device: DeviceId,
    pub(crate) key: PublicKey,
}

/// The challenge that a browser signs when it registers a key.
pub(crate) struct Invitation {
    pub(crate) token: Arc<ReferenceToken>,
    pub(crate) issued_at: Timestamp,
}

/// The challenge that a browser signs when it refreshes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Challenge {
    pub(crate) issued_at: Timestamp,
    /// Distinguishes challenges of the same second.
    pub(crate) tag: [u8; 8],
}

impl ReferenceToken {
    pub(crate) fn seal_identifier(
        &self,
        device: &DeviceId,
        key: &PublicKey,
    ) -> Result<String, SealError> {
        let reference = self.to_raw();
        let payload: [&[u8]; 3] = [reference.as_slice(), device.as_bytes(), key.as_bytes()];
        self.seal_device_token(Version::Identifier, keyset::identifier_aad, &payload)
    }

    pub(crate) fn seal_invitation(&self, now: Timestamp) -> Result<String, SealError> {
        let reference = self.to_raw();
        let payload: [&[u8]; 2] = [reference.as_slice(), &now.to_packed()];
        self.seal_device_token(Version::Invitation, keyset::invitation_aad, &payload)
    }

    pub(crate) fn seal_challenge(
        &self,
        device: &DeviceId,
        now: Timestamp,
    ) -> Result<String, SealError> {
        let aad = |header: &Header| keyset::challenge_aad(header, self.row_key(), device);
        self.seal_device_token(Version::Challenge, aad, &[&now.to_packed()])
    }

    fn seal_device_token(
        &self,
        version: Version,
        aad: impl Fn(&Header) -> Pae,
        payload: &[&[u8]],
    ) -> Result<String, SealError> {
        let header = header(version, self.keys.id);
        let sealed = self.keys.device.seal(&aad(&header), &header, payload)?;
        Ok(encoding::encode(&sealed))
    }

    pub(crate) fn open_challenge(
        &self,
        device: &DeviceId,
        text: &[u8],
    ) -> Result<Challenge, InvalidToken> {
        let raw = encoding::decode(text, LONGEST).ok_or(InvalidToken)?;
        let (key_id, header, body) = split(&raw, Version::Challenge)?;
        if key_id != self.keys.id {
            return Err(InvalidToken);
        }
        let aad = keyset::challenge_aad(&header, self.row_key(), device);
        let payload = self.keys.device.open(&aad, body)?;
        let issued_at = packed_time(&payload)?;
        let tag = *body.first_chunk().ok_or(InvalidToken)?;
        Ok(Challenge { issued_at, tag })
    }

    /// The short cookie, which proves that the device has signed a challenge recently.
    pub(crate) fn device_cookie(&self, device: &DeviceId, now: Timestamp) -> Zeroizing<String> {
        let (header, at) = (header(Version::DeviceCookie, self.keys.id), now.to_packed());
        let message = self.keys.device_cookie.message(self.row_key(), device, &at);
        let raw = [&header, at.as_slice(), message.tag().as_slice()].concat();
        encoding::encode_secret(&Zeroizing::new(raw))
    }

    /// The time at which this cookie was issued for this session and binding; an error if it was not.
    pub(crate) fn verify_device_cookie(
        &self,
        device: &DeviceId,
        text: &[u8],
    ) -> Result<Timestamp, InvalidToken> {
        let mut raw = [0; COOKIE_LEN];
        encoding::decode_secret(text, &mut raw).ok_or(InvalidToken)?;
        let (key_id, _, body) = split(raw.as_slice(), Version::DeviceCookie)?;
        if key_id != self.keys.id {
            return Err(InvalidToken);
        }
        let (at, tag) = body.split_first_chunk().ok_or(InvalidToken)?;
        let tag = tag.try_into().map_err(|_| InvalidToken)?;
        let message = self.keys.device_cookie.message(self.row_key(), device, at);
        message.verify(tag)?;
        Ok(Timestamp::from_packed(*at))
    }
}

pub(crate) fn open_identifier(
    ring: &KeyRing,
    text: &[u8],
    now: Timestamp,
) -> Result<Identifier, InvalidToken> {
    let aad = keyset::identifier_aad;
    let payload = open(ring, Version::Identifier, aad, text, now)?;
    let (raw, rest) = payload.split_first_chunk::<RAW_LEN>().ok_or(InvalidToken)?;
    let (device, key) = rest.split_first_chunk().ok_or(InvalidToken)?;
    Ok(Identifier {
        token: ReferenceToken::from_raw(raw, ring, now)?,
        device: DeviceId::from_bytes(*device),
        key: PublicKey::from_bytes(key.try_into().map_err(|_| InvalidToken)?),
    })
}

pub(crate) fn open_invitation(
    ring: &KeyRing,
    text: &[u8],
    now: Timestamp,
) -> Result<Invitation, InvalidToken> {
    let aad = keyset::invitation_aad;
    let payload = open(ring, Version::Invitation, aad, text, now)?;
    let (raw, at) = payload.split_first_chunk::<RAW_LEN>().ok_or(InvalidToken)?;
    Ok(Invitation {
        token: ReferenceToken::from_raw(raw, ring, now)?,
        issued_at: packed_time(at)?,
    })
}

fn open(
    ring: &KeyRing,
    version: Version,
    aad: impl Fn(&Header) -> Pae,
    text: &[u8],
    now: Timestamp,
) -> Result<Zeroizing<Vec<u8>>, InvalidToken> {
    let raw = encoding::decode(text, LONGEST).ok_or(InvalidToken)?;
    let (keys, header, body) = ring.split(&raw, version, now)?;
    keys.device.open(&aad(&header), body).map(Zeroizing::new)
}

fn packed_time(bytes: &[u8]) -> Result<Timestamp, InvalidToken> {
    let bytes = bytes.try_into().map_err(|_| InvalidToken)?;
    Ok(Timestamp::from_packed(bytes))
}

const COOKIE_LEN: usize = HEADER_LEN + Timestamp::PACKED + TAG_LEN;
/// The length of the longest token, the identifier.
const LONGEST: usize =
    (4 * (HEADER_LEN + OVERHEAD + RAW_LEN + DeviceId::LEN + PublicKey::LEN)).div_ceil(3);
