//! Every key from the master key, and everything that is authenticated beside a payload.
//!
//! ```text
//! K_purpose = HKDF-SHA256(ikm = master, salt = "starsessions/v1", info = PAE("starsessions", "v1", purpose))
//! lookup    = HKDF-SHA256(ikm = secret, salt = K_index, info = PAE("starsessions", "v1", "lookup"))
//! realm's master = HMAC-SHA256(K_realm, PAE("starsessions/v1/realm", audience, name)); if both are empty, the master key
//! PAE       = LE64(count) ‖ (LE64(length) ‖ piece)*
//! ```
//!
//! The only file with domain strings: to see that no two uses of a key can be confused, read them
//! here. A type for each purpose keeps the keys apart.

use std::fmt;

use zeroize::Zeroizing;

use super::aead::NONCE_LEN;
use super::id::{IndexKey, LogId, RowKey, write_hex};
use super::key::Key;
use super::random::{self, RandomError};
use super::record::FieldPlace;
use super::sign::{MacKey, Message, TAG_LEN, pae};
use super::stateless::Binding;
use super::token::{Header, InvalidToken, SECRET_LEN};

/// The keys of one master key, derived once. The master key itself is not kept.
pub(super) struct KeySet {
    pub(super) id: KeyId,
    pub(super) index: PepperKey,
    pub(super) cookie_sign: SignKey,
    pub(super) cookie_seal: SealKey,
    pub(super) nonce: NonceKey,
    pub(super) log: LogKey,
    pub(super) subject: SubjectKey,
    pub(super) csrf: CsrfKey,
    pub(super) label: SealKey,
    realm: RealmKey,
}

impl KeySet {
    pub(super) fn new(master: &Key) -> Self {
        Self::from_master(master.as_bytes())
    }

    /// The keys of a realm: under the same key id, and of no use in any other realm.
    pub(super) fn of_realm(&self, audience: &str, name: &str) -> Self {
        Self {
            id: self.id,
            ..Self::from_master(&self.realm.master(audience, name))
        }
    }

    fn from_master(master: &[u8; 32]) -> Self {
        let prk = Prk::extract(&MacKey::new(b"starsessions/v1"), master);
        Self {
            id: KeyId(*prk.expand("kid")),
            index: PepperKey(prk.mac_key("index")),
            cookie_sign: SignKey(prk.mac_key("cookie-sign")),
            cookie_seal: SealKey(Box::new(prk.expand("cookie-seal"))),
            nonce: NonceKey(prk.mac_key("nonce")),
            log: LogKey(prk.mac_key("log")),
            subject: SubjectKey(prk.mac_key("subject")),
            csrf: CsrfKey(prk.mac_key("csrf")),
            label: SealKey(Box::new(prk.expand("label"))),
            realm: RealmKey(prk.mac_key("realm")),
        }
    }
}

/// Which key of a ring made a token. Public: it stands in every cookie in the clear.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct KeyId(pub(super) [u8; Self::LEN]);

impl KeyId {
    pub(super) const LEN: usize = 4;
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

/// Sets realms and applications with the same keys apart.
struct RealmKey(MacKey);

impl RealmKey {
    fn master(&self, audience: &str, name: &str) -> Zeroizing<[u8; TAG_LEN]> {
        let realm: [&[u8]; 3] = [
            b"starsessions/v1/realm",
            audience.as_bytes(),
            name.as_bytes(),
        ];
        self.0.message().list(&realm).tag()
    }
}

/// The pepper between a cookie's secret and its row.
pub(super) struct PepperKey(MacKey);

impl PepperKey {
    pub(super) fn session(&self, secret: &[u8; SECRET_LEN]) -> SessionPrk {
        SessionPrk(Prk::extract(&self.0, secret))
    }
}

/// Where the keys of one session come from.
pub(super) struct SessionPrk(Prk);

impl SessionPrk {
    pub(super) fn row_key(&self) -> RowKey {
        RowKey::from_bytes(*self.0.expand("lookup"))
    }

    pub(super) fn record_key(&self) -> SealKey {
        SealKey(Box::new(self.0.expand("record")))
    }

    pub(super) fn forward_key(&self) -> SealKey {
        SealKey(Box::new(self.0.expand("forward")))
    }

    /// A way with another key: who wants to go on cannot take it for one.
    pub(super) fn ending_key(&self) -> SealKey {
        SealKey(Box::new(self.0.expand("ending")))
    }
}

/// Signs cookies.
pub(super) struct SignKey(MacKey);

impl SignKey {
    pub(super) fn sign(
        &self,
        binding: Binding<'_>,
        header: &Header,
        payload: &[u8],
    ) -> [u8; TAG_LEN] {
        *self.message(binding, header, payload).tag()
    }

    pub(super) fn verify(
        &self,
        binding: Binding<'_>,
        header: &Header,
        payload: &[u8],
        tag: &[u8; TAG_LEN],
    ) -> Result<(), InvalidToken> {
        self.message(binding, header, payload).verify(tag)
    }

    fn message(&self, binding: Binding<'_>, header: &Header, payload: &[u8]) -> Message {
        self.0.message().list(&[
            b"starsessions/v1/signed",
            binding.cookie_name.as_bytes(),
            binding.audience.as_bytes(),
            header,
            payload,
        ])
    }
}

/// Seals cookies, fields or forwards.
pub(super) struct SealKey(Box<Zeroizing<[u8; 32]>>);

impl SealKey {
    pub(super) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    #[cfg(test)]
    pub(super) fn for_vectors(bytes: [u8; 32]) -> Self {
        Self(Box::new(Zeroizing::new(bytes)))
    }
}

/// Mixes nonces.
pub(super) struct NonceKey(MacKey);

impl NonceKey {
    pub(super) fn nonce(&self, aad: &[u8], payload: &[u8]) -> Result<[u8; NONCE_LEN], RandomError> {
        let mut random = Zeroizing::new([0; 32]);
        random::fill(random.as_mut_slice())?;
        let message = self.0.message().part(random.as_slice());
        let tag = message.list(&[aad, payload]).tag();
        let mut nonce = [0; NONCE_LEN];
        for (to, from) in nonce.iter_mut().zip(tag.iter()) {
            *to = *from;
        }
        Ok(nonce)
    }
}

/// Names sessions in logs.
pub(super) struct LogKey(MacKey);

impl LogKey {
    pub(super) fn id(&self, row: &RowKey) -> LogId {
        let mut id = [0; 8];
        for (to, from) in id.iter_mut().zip(self.0.tag(row.as_bytes()).iter()) {
            *to = *from;
        }
        LogId(id)
    }
}

/// What a session is called towards its user. It needs no key: who can name a row has its key, and
/// a name alone opens nothing.
pub(super) fn handle_of(row: &RowKey) -> [u8; 16] {
    let tag = MacKey::new(b"starsessions/v1/handle").tag(row.as_bytes());
    let mut handle = [0; 16];
    for (to, from) in handle.iter_mut().zip(tag.iter()) {
        *to = *from;
    }
    handle
}

/// Hides the values of indexed fields from the store.
pub(super) struct SubjectKey(MacKey);

impl SubjectKey {
    pub(super) fn index_key(&self, namespace: &str, field: &str, value: &[u8]) -> IndexKey {
        let value: [&[u8]; 4] = [
            b"starsessions/v1/subject",
            namespace.as_bytes(),
            field.as_bytes(),
            value,
        ];
        IndexKey::from_bytes(*self.0.message().list(&value).tag())
    }
}

/// Makes request-forgery tokens that die with the session's id.
pub(super) struct CsrfKey(MacKey);

impl CsrfKey {
    pub(super) fn tag(&self, row: &RowKey) -> Zeroizing<[u8; TAG_LEN]> {
        self.message(row).tag()
    }

    pub(super) fn verify(&self, row: &RowKey, tag: &[u8; TAG_LEN]) -> Result<(), InvalidToken> {
        self.message(row).verify(tag)
    }

    fn message(&self, row: &RowKey) -> Message {
        let row: [&[u8]; 2] = [b"starsessions/v1/csrf", row.as_bytes()];
        self.0.message().list(&row)
    }
}

/// What a sealed cookie is bound to.
pub(super) fn sealed_aad(binding: Binding<'_>, header: &Header) -> Vec<u8> {
    encoded(&[
        b"starsessions/v1/sealed",
        binding.cookie_name.as_bytes(),
        binding.audience.as_bytes(),
        header,
    ])
}

/// What a stored value is bound to: it opens in no other row, field or application, and not with
/// other times beside it.
pub(super) fn field_aad(row: &RowKey, place: &FieldPlace<'_>) -> Vec<u8> {
    let created = place.created_at.as_unix_seconds().to_le_bytes();
    let expires = place
        .expires_at
        .map(|it| it.as_unix_seconds().to_le_bytes());
    encoded(&[
        b"starsessions/v1/record",
        place.namespace.as_bytes(),
        row.as_bytes(),
        place.field.as_bytes(),
        &created,
        expires.as_ref().map_or(&[], |it| it),
    ])
}

/// What a session's label is bound to.
pub(super) fn label_aad(row: &RowKey, place: &FieldPlace<'_>, id: KeyId) -> Vec<u8> {
    let created = place.created_at.as_unix_seconds().to_le_bytes();
    encoded(&[
        b"starsessions/v1/label",
        place.namespace.as_bytes(),
        row.as_bytes(),
        &created,
        &id.0,
    ])
}

/// What the way from a renewed id to its successor is bound to.
pub(super) fn forward_aad(row: &RowKey) -> Vec<u8> {
    encoded(&[b"starsessions/v1/forward", row.as_bytes()])
}

/// A list as associated data.
pub(super) fn encoded(items: &[&[u8]]) -> Vec<u8> {
    let len = items.iter().fold(8, |sum, item| sum + 8 + item.len());
    let mut out = Vec::with_capacity(len);
    pae(items, |bytes| out.extend_from_slice(bytes));
    out
}

/// HKDF-SHA256 (RFC 5869) for at most one block of output, which cannot fail: extracting and
/// expanding are one HMAC each.
pub(super) struct Prk(MacKey);

impl Prk {
    pub(super) fn extract(salt: &MacKey, ikm: &[u8]) -> Self {
        Self(MacKey::new(&salt.tag(ikm)))
    }

    fn mac_key(&self, purpose: &str) -> MacKey {
        MacKey::new(&self.expand::<TAG_LEN>(purpose))
    }

    fn expand<const LEN: usize>(&self, purpose: &str) -> Zeroizing<[u8; LEN]> {
        let info: [&[u8]; 3] = [b"starsessions", b"v1", purpose.as_bytes()];
        first_block(self.0.message().list(&info))
    }

    #[cfg(test)]
    pub(super) fn expand_info<const LEN: usize>(&self, info: &[u8]) -> Zeroizing<[u8; LEN]> {
        first_block(self.0.message().part(info))
    }
}

/// The first `LEN` bytes of the first block of output.
fn first_block<const LEN: usize>(info: Message) -> Zeroizing<[u8; LEN]> {
    const { assert!(LEN <= TAG_LEN) };
    let block = info.part(&[1]).tag();
    let mut out = Zeroizing::new([0; LEN]);
    for (to, from) in out.iter_mut().zip(block.iter()) {
        *to = *from;
    }
    out
}
