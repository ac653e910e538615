//! The keys derived from one master key, and all data that is authenticated beside a payload.
//!
//! ```text
//! K_purpose      = HKDF-SHA256(ikm = master, salt = "starsessions/v1", info = PAE("starsessions", "v1", purpose))
//! S_purpose      = keyed(K_index, secret, purpose)        of one session; see `kdf`
//! realm's master = HMAC-SHA256(K_realm, PAE("starsessions/v1/realm", audience, name)); if both are empty, the master key
//! PAE            = LE64(count) ‖ (LE64(length) ‖ piece)*
//! ```
//!
//! All domain strings of keys are in this file: reading them shows that no two uses of a key can be confused. Each
//! purpose has a type of its own, which keeps the keys apart.

use zeroize::Zeroizing;

#[cfg(feature = "dbsc")]
use super::id::DeviceId;
use super::id::{Fingerprint, IndexKey, RowKey};
use super::kdf::{KeyedHash, LONGEST_PURPOSE, Prk};
use super::mac::{MacKey, Message, Pae, TAG_LEN, encoded, start_of};
use super::seal::SealKey;
use super::token::{Header, KeyId, SECRET_LEN};
use crate::clock::Timestamp;

/// The keys of one master key, derived once. The master key itself is not kept.
pub(super) struct KeySet {
    pub(super) id: KeyId,
    pub(super) pepper: PepperKey,
    pub(super) cookie_sign: SignKey,
    pub(super) cookie_seal: SealKey,
    pub(super) card: SealKey,
    pub(super) way: WayKey,
    pub(super) log: LogKey,
    pub(super) subject: SubjectKey,
    pub(super) csrf: CsrfKey,
    pub(super) flow: SealKey,
    #[cfg(feature = "takeover")]
    pub(super) former: FormerKey,
    #[cfg(feature = "dbsc")]
    pub(super) device: SealKey,
    #[cfg(feature = "dbsc")]
    pub(super) device_cookie: DeviceCookieKey,
    realm: RealmKey,
}

impl KeySet {
    pub(super) fn new(master: &[u8; 32]) -> Self {
        let prk = Prk::extract(&MacKey::new(b"starsessions/v1"), master);
        let key = |purpose| derive::<32>(&prk, purpose);
        let mac_key = |purpose| MacKey::new(&key(purpose));
        Self {
            id: KeyId(*derive(&prk, "kid")),
            pepper: PepperKey(KeyedHash::new(&key("index"))),
            cookie_sign: SignKey(mac_key("cookie-sign")),
            cookie_seal: SealKey::new(&key("cookie-seal")),
            card: SealKey::new(&key("card")),
            way: WayKey(KeyedHash::new(&key("way"))),
            log: LogKey(mac_key("log")),
            subject: SubjectKey(mac_key("subject")),
            csrf: CsrfKey(mac_key("csrf")),
            flow: SealKey::new(&key("flow")),
            #[cfg(feature = "takeover")]
            former: FormerKey(mac_key("former")),
            #[cfg(feature = "dbsc")]
            device: SealKey::new(&key("device")),
            #[cfg(feature = "dbsc")]
            device_cookie: DeviceCookieKey(mac_key("device-cookie")),
            realm: RealmKey(mac_key("realm")),
        }
    }

    /// The keys of a realm: under the same key id, and of no use in any other realm.
    pub(super) fn of_realm(&self, audience: &str, name: &str) -> Self {
        Self {
            id: self.id,
            ..Self::new(&self.realm.master(audience, name))
        }
    }
}

fn derive<const LEN: usize>(prk: &Prk, purpose: &str) -> Zeroizing<[u8; LEN]> {
    prk.expand(&[b"starsessions", b"v1", purpose.as_bytes()])
}

/// Separates realms and applications that share keys.
struct RealmKey(MacKey);

impl RealmKey {
    fn master(&self, audience: &str, name: &str) -> Zeroizing<[u8; TAG_LEN]> {
        let message = self.0.message().list(&[
            b"starsessions/v1/realm",
            audience.as_bytes(),
            name.as_bytes(),
        ]);
        message.tag()
    }
}

/// The pepper, with which a session's keys are derived from its cookie's secret. The store never sees it.
pub(super) struct PepperKey(KeyedHash);

impl PepperKey {
    pub(super) fn row_key(&self, secret: &[u8; SECRET_LEN]) -> RowKey {
        RowKey::from_bytes(*self.derive(secret, b"lookup"))
    }

    pub(super) fn record_key(&self, secret: &[u8; SECRET_LEN]) -> SealKey {
        SealKey::new(&self.derive(secret, b"record"))
    }

    pub(super) fn carry_key(&self, secret: &[u8; SECRET_LEN]) -> SealKey {
        SealKey::new(&self.derive(secret, b"carry"))
    }

    fn derive<const LEN: usize>(
        &self,
        secret: &[u8; SECRET_LEN],
        purpose: &[u8; LEN],
    ) -> Zeroizing<[u8; 32]> {
        const { assert!(LEN <= LONGEST_PURPOSE) };
        self.0.derive(secret, purpose)
    }
}

/// The length of a way: its kind, its end, a key id, and a salt as long as a secret. All ways have this length, as
/// `kdf` requires.
pub(super) const WAY_LEN: usize = 1 + Timestamp::PACKED + KeyId::LEN + SECRET_LEN;

/// Derives the secret of an id's successor.
pub(super) struct WayKey(KeyedHash);

impl WayKey {
    pub(super) fn successor(
        &self,
        secret: &[u8; SECRET_LEN],
        way: &[u8; WAY_LEN],
    ) -> Zeroizing<[u8; SECRET_LEN]> {
        self.0.derive(secret, way)
    }
}

/// Where a cookie is valid.
#[derive(Clone, Copy)]
pub(crate) struct Binding<'a> {
    pub(crate) cookie_name: &'a str,
    /// The application and its environment, as in `shop-production`.
    pub(crate) audience: &'a str,
}

/// Signs cookies.
pub(super) struct SignKey(MacKey);

impl SignKey {
    pub(super) fn message(&self, binding: Binding<'_>, header: &Header, payload: &[u8]) -> Message {
        self.0.message().list(&[
            b"starsessions/v1/signed",
            binding.cookie_name.as_bytes(),
            binding.audience.as_bytes(),
            header,
            payload,
        ])
    }
}

/// The associated data of a sealed cookie.
pub(super) fn sealed_aad(binding: Binding<'_>, header: &Header) -> Pae {
    encoded(&[
        b"starsessions/v1/sealed",
        binding.cookie_name.as_bytes(),
        binding.audience.as_bytes(),
        header,
    ])
}

/// The data that a record is bound to, beside its row key.
#[derive(Clone, Copy)]
pub(crate) struct RecordPlace<'a> {
    /// The application.
    pub(crate) namespace: &'a str,
    /// How the record is encoded.
    pub(crate) format: u8,
    /// The revision of its row.
    pub(crate) revision: u64,
}

/// The associated data of a record: it opens in no other row, revision, format or application.
pub(super) fn record_aad(row: &RowKey, place: &RecordPlace<'_>) -> Pae {
    encoded(&[
        b"starsessions/v1/record",
        place.namespace.as_bytes(),
        row.as_bytes(),
        &[place.format],
        &place.revision.to_le_bytes(),
    ])
}

pub(super) fn card_aad(namespace: &str, row: &RowKey, id: KeyId) -> Pae {
    encoded(&[
        b"starsessions/v1/card",
        namespace.as_bytes(),
        row.as_bytes(),
        &id.0,
    ])
}

/// The associated data of a way that carries a payload.
pub(super) fn way_aad(way: &[u8; WAY_LEN]) -> Pae {
    encoded(&[b"starsessions/v1/way", way])
}

/// The associated data of a flow: the name of its cookie, which is derived from its state.
pub(super) fn flow_aad(cookie_name: &str, header: &Header) -> Pae {
    encoded(&[b"starsessions/v1/flow", cookie_name.as_bytes(), header])
}

/// The part of a cookie's name that identifies its flow. It needs no secret key: the 256 random bits of a state cannot
/// be found from it.
pub(super) fn flow_name_of(kind: &str, state: &[u8]) -> [u8; 16] {
    let name = MacKey::new(b"starsessions/v1/flow-name").message();
    start_of(&name.list(&[kind.as_bytes(), state]).tag())
}

/// Names sessions in logs.
pub(super) struct LogKey(MacKey);

impl LogKey {
    pub(super) fn id(&self, row: &RowKey) -> Fingerprint {
        Fingerprint(start_of(&self.0.tag(row.as_bytes())))
    }
}

/// The row's part of a session's public id. It needs no secret key, because it opens nothing.
pub(super) fn handle_of(row: &RowKey) -> [u8; 16] {
    start_of(&MacKey::new(b"starsessions/v1/handle").tag(row.as_bytes()))
}

/// Hides the values of indexed fields from the store.
pub(super) struct SubjectKey(MacKey);

impl SubjectKey {
    pub(super) fn index_key(&self, namespace: &str, field: &str, value: &[u8]) -> IndexKey {
        let message = self.0.message().list(&[
            b"starsessions/v1/subject",
            namespace.as_bytes(),
            field.as_bytes(),
            value,
        ]);
        IndexKey::from_bytes(*message.tag())
    }
}

/// Derives the token of a session of another library.
#[cfg(feature = "takeover")]
pub(super) struct FormerKey(MacKey);

#[cfg(feature = "takeover")]
impl FormerKey {
    pub(super) fn secret(&self, cookie_name: &str, id: &[u8]) -> Zeroizing<[u8; TAG_LEN]> {
        let message = self.0.message();
        let former = message.list(&[b"starsessions/v1/former", cookie_name.as_bytes(), id]);
        former.tag()
    }
}

/// Makes CSRF tokens, which become invalid when the session gets a new id.
pub(super) struct CsrfKey(MacKey);

impl CsrfKey {
    pub(super) fn message(&self, row: &RowKey) -> Message {
        let message = self.0.message();
        message.list(&[b"starsessions/v1/csrf", row.as_bytes()])
    }
}

/// Signs the short cookies of bound sessions.
#[cfg(feature = "dbsc")]
pub(super) struct DeviceCookieKey(MacKey);

#[cfg(feature = "dbsc")]
impl DeviceCookieKey {
    /// The message fits into one block of SHA-256, because each request verifies one. The parts have fixed lengths, and
    /// the key has no other use.
    pub(super) fn message(
        &self,
        row: &RowKey,
        device: &DeviceId,
        at: &[u8; Timestamp::PACKED],
    ) -> Message {
        let message = self.0.message().part(row.as_bytes());
        message.part(device.as_bytes()).part(at)
    }
}

#[cfg(feature = "dbsc")]
pub(super) fn identifier_aad(header: &Header) -> Pae {
    encoded(&[b"starsessions/v1/device-identifier", header])
}

#[cfg(feature = "dbsc")]
pub(super) fn invitation_aad(header: &Header) -> Pae {
    encoded(&[b"starsessions/v1/device-invitation", header])
}

#[cfg(feature = "dbsc")]
pub(super) fn challenge_aad(header: &Header, row: &RowKey, device: &DeviceId) -> Pae {
    encoded(&[
        b"starsessions/v1/device-challenge",
        header,
        row.as_bytes(),
        device.as_bytes(),
    ])
}
