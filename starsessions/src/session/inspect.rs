//! A cookie and its session, for the operators of a site: everything except the values.

use crate::clock::Timestamp;
use crate::crypto::{CookieKind, KeyId};
use crate::engine::{Live, Presented};
use crate::error::SessionError;
use crate::request::{Realm, why_refused};
use crate::value;

/// A cookie, and the session that it leads to. Contains no value of a field, and nothing that gives access to the
/// session.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct InspectedCookie {
    /// The kind of the cookie's value; `None` if it is not one of this library.
    pub kind: Option<CookieKind>,
    /// The id of the key in the cookie, which is not verified.
    pub key_id: Option<KeyId>,
    /// The session, if a request would get it.
    pub session: Option<InspectedSession>,
    /// Why a request would get no session, as a sentence.
    pub refused: Option<String>,
}

/// A session without its values.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct InspectedSession {
    /// When it began.
    pub created_at: Timestamp,
    /// When it got its current id.
    pub issued_at: Timestamp,
    /// The last request that used it, to within a tenth of the idle timeout and at most a minute.
    pub last_seen_at: Timestamp,
    /// When it ends if it is not used again.
    pub expires_at: Timestamp,
    /// How often it was written.
    pub revision: u64,
    /// Whether it has the remembered lifetime.
    pub remembered: bool,
    /// Whether only one device can use it.
    pub bound: bool,
    /// Whether a newer id than this cookie's is on its way to the browser.
    pub renewed: bool,
    /// Its fields, in the order of the names.
    pub fields: Vec<InspectedField>,
}

/// A stored field without its value.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct InspectedField {
    /// Its stored name: namespace, dot, name. A `~` in front of the name is `until = rotate`.
    pub name: String,
    /// How many bytes are stored.
    pub bytes: usize,
    /// The version of the value's layout; `None` if the bytes are not a value.
    pub version: Option<u32>,
    /// When it ends, if that is before the session does.
    pub ends_at: Option<Timestamp>,
    /// Whether the session can be found by it.
    pub indexed: bool,
}

impl Realm {
    pub(crate) async fn inspect(&self, value: &str) -> Result<InspectedCookie, SessionError> {
        let frame = CookieKind::of(value);
        let presented = self.engine.resolve(value.as_bytes(), self.engine.now());
        let (session, refused) = match presented.await? {
            Presented::Live(live, _) => (Some(InspectedSession::new(&live)), None),
            Presented::Nobody(why) => (
                None,
                why.map(|why| format!("cookie refused: {}", why_refused(why))),
            ),
            Presented::Former {
                is_recent: true, ..
            } => {
                let why =
                    "a sign-in has ended this id not long ago, and the session has another one";
                (None, Some(why.to_owned()))
            }
            Presented::Former { .. } | Presented::Ambiguous(_) => {
                let why = "the session has ended, or what is stored under its id cannot be opened";
                (None, Some(why.to_owned()))
            }
        };
        Ok(InspectedCookie {
            kind: frame.map(|(kind, _)| kind),
            key_id: frame.map(|(_, key_id)| key_id),
            session,
            refused,
        })
    }
}

impl InspectedSession {
    fn new(live: &Live) -> Self {
        let record = &live.record;
        let fields = record.fields().map(|(name, field)| InspectedField {
            name: name.to_owned(),
            bytes: field.value.len(),
            version: value::version(field.value),
            ends_at: field.ends_at(),
            indexed: field.is_indexed(),
        });
        // The library's own fields begin with a dot.
        let fields = fields.filter(|field| !field.name.starts_with('.'));
        Self {
            created_at: record.created_at,
            issued_at: record.issued_at,
            last_seen_at: record.last_seen_at,
            expires_at: record.expires_at,
            revision: record.revision,
            remembered: record.remembered,
            bound: record.is_bound(),
            renewed: live.is_unannounced,
            fields: fields.collect(),
        }
    }
}
