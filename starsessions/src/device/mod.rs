//! Sessions that a thief cannot carry away: bound to a key that the browser's device keeps (W3C, Device Bound Session
//! Credentials).
//!
//! - A session that gets its id, or another privilege, comes with an invitation. The browser makes a key and registers
//!   it at a path of the layer. From then on the session has a second, short cookie, which the browser gets anew by
//!   signing a challenge, at another path.
//! - A bound session is used with a fresh short cookie only. A copy of the session's cookie is worth nothing
//!   elsewhere, and a copy of both is worth it until the short one runs out.
//! - The store has one small field more. The public key stands in the name by which the browser knows its session,
//!   sealed: a signature is checked before the store is asked, and no cookie is needed to find the session.
//! - What browsers really do, not the draft, is what this follows where the two differ.

mod builder;
mod error;
mod text;

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;

pub use self::builder::{DeviceBinding, Proven, Unbound};
pub use self::error::DeviceBindingError;
pub(crate) use self::text::{CHALLENGE, IDENTIFIER, REGISTRATION, RESPONSE, SKIPPED, only};
use crate::clock::Timestamp;
use crate::cookie::CookieConfig;
use crate::crypto::ReferenceToken;
use crate::record::Record;
use crate::sentence::debug_as_name;

/// How a layer binds its sessions, checked when it was built.
#[derive(Debug)]
pub(crate) struct DeviceRules {
    register: String,
    refresh: String,
    /// The short cookie.
    pub(crate) cookie: CookieConfig,
    pub(crate) settings: DeviceBinding,
}

/// A browser's request to the layer itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Errand {
    Register,
    Refresh,
}

/// Whether a request has shown that it comes from the session's device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum ProofState {
    /// The session has no device.
    #[default]
    Unbound,
    /// A fresh short cookie proves it, since then.
    Given(Timestamp),
    /// Not, a moment after the device was registered: the request may have been on its way.
    Young,
    Missing(NoProof),
}

/// Why a request has shown nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoProof {
    /// It has no short cookie.
    Absent,
    /// The short cookie has run out.
    Stale,
    /// The short cookie is of another session or device, or made up.
    Foreign,
}

impl NoProof {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Stale => "stale",
            Self::Foreign => "foreign",
        }
    }
}

impl DeviceRules {
    /// The errand of a request to this path, if it is for the layer.
    pub(crate) fn errand(&self, method: &Method, path: &str) -> Option<Errand> {
        if *method != Method::POST {
            return None;
        }
        match path {
            path if path == self.register => Some(Errand::Register),
            path if path == self.refresh => Some(Errand::Refresh),
            _ => None,
        }
    }

    /// Whether browsers refresh nothing before they ask for this path: `/files` excludes what is below it, and not
    /// `/files-of-mine`.
    pub(crate) fn is_excluded(&self, path: &str) -> bool {
        let is_below = |excluded: &String| {
            let rest = path.strip_prefix(excluded.as_str());
            rest.is_some_and(|it| it.is_empty() || it.starts_with('/') || excluded.ends_with('/'))
        };
        self.settings.excluded.iter().any(is_below)
    }

    /// The proof that the short cookies of a request give. Without I/O.
    pub(crate) fn proof(
        &self,
        token: &ReferenceToken,
        record: &Record,
        cookies: &[Box<[u8]>],
        now: Timestamp,
    ) -> ProofState {
        if !record.is_bound() {
            return ProofState::Unbound;
        }
        // A binding that another version has written is none that could be proved.
        let Some(device) = record.device() else {
            return ProofState::Missing(NoProof::Foreign);
        };
        let mut why = NoProof::Absent;
        for cookie in cookies {
            match token.verify_device_cookie(&device.id, cookie) {
                Ok(at) if at <= now + CLOCK_SKEW && now < at + self.settings.life => {
                    return ProofState::Given(at);
                }
                Ok(_) => why = NoProof::Stale,
                Err(_) if why == NoProof::Absent => why = NoProof::Foreign,
                Err(_) => {}
            }
        }
        // A clock that was far ahead makes no session young for as long.
        if device.since <= now + CLOCK_SKEW && now.since(device.since) < ON_THE_WAY {
            ProofState::Young
        } else {
            ProofState::Missing(why)
        }
    }

    /// Whether what was opened with a proof from then may still follow a session, in a view that is marked `bound` or not.
    /// A session that was bound later was proved then.
    pub(crate) fn may_follow(
        &self,
        record: &Record,
        proved_at: Timestamp,
        is_marked: bool,
        now: Timestamp,
    ) -> bool {
        if self.settings.proven == Proven::InBoundViews && !is_marked {
            return true;
        }
        match record.device() {
            Some(device) => now < proved_at.max(device.since) + self.settings.life,
            None => !record.is_bound(),
        }
    }

    /// Whether an answer to a challenge is in time. One that is sent ahead waits for the short cookie to run out.
    pub(crate) fn is_in_time(&self, issued_at: Timestamp, now: Timestamp) -> bool {
        issued_at <= now + CLOCK_SKEW && now < issued_at + self.settings.life + ANSWER_TIME
    }

    pub(crate) fn is_registered_in_time(&self, issued_at: Timestamp, now: Timestamp) -> bool {
        issued_at <= now + CLOCK_SKEW && now < issued_at + ANSWER_TIME
    }

    /// Whether a session may be about to be registered.
    pub(crate) fn may_be_registering(&self, record: &Record, now: Timestamp) -> bool {
        now.since(record.issued_at) < REGISTRATION_TIME
    }

    /// A body of the type that the inner service answers with.
    pub(crate) fn body<B: 'static>(&self, bytes: Bytes) -> Option<B> {
        self.settings.bodies.make(bytes)
    }
}

/// Makes bodies of the types that are known, since a layer does not know the one that it will answer with.
#[derive(Clone, Default)]
struct Bodies(Vec<Arc<dyn Any + Send + Sync>>);

impl Bodies {
    fn add<B: 'static>(&mut self, make: fn(Bytes) -> B) {
        self.0.push(Arc::new(make));
    }

    fn make<B: 'static>(&self, bytes: Bytes) -> Option<B> {
        let makers = self.0.iter();
        let make = makers
            .rev()
            .find_map(|make| make.downcast_ref::<fn(Bytes) -> B>())?;
        Some(make(bytes))
    }
}

debug_as_name!(Bodies);

/// How far the clocks of two servers may be apart.
const CLOCK_SKEW: Duration = Duration::from_secs(60);
/// How long a request may have been on its way that was sent before the device was registered.
const ON_THE_WAY: Duration = Duration::from_secs(10);
/// How long a browser may take to make a key and to register it, before a view that asks for a bound session is
/// refused.
const REGISTRATION_TIME: Duration = Duration::from_secs(60);
/// How long a device may take to sign.
const ANSWER_TIME: Duration = Duration::from_secs(300);
/// How much earlier than the server the browser lets go of the short cookie, for requests on their way.
const TRAVEL_TIME: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{DeviceId, KeyRing};
    use crate::record::{DEVICE, Device, Edit};

    /// Another version would know what to do with it; this one must not take the session for one without a device.
    #[test]
    fn a_binding_that_cannot_be_read_is_not_proved() {
        let session = crate::cookie::CookieBuilder::default();
        let rules = DeviceBinding::new().build("", &session, "id").unwrap();
        let token = ReferenceToken::mint(&KeyRing::generate().unwrap()).unwrap();
        let now = Timestamp::from_unix_seconds(1_800_000_000);
        let device = Device::new(DeviceId::from_bytes([7; 16]), now);
        let cookie = token.device_cookie(&device.id, now);
        let cookies = [Box::from(cookie.as_bytes())];
        let mut record = Record::new(now, now);
        assert_eq!(
            rules.proof(&token, &record, &cookies, now),
            ProofState::Unbound
        );
        record.rewrite(vec![Edit::set(DEVICE, &device.pack())]);
        assert_eq!(
            rules.proof(&token, &record, &cookies, now),
            ProofState::Given(now)
        );
        let mut later = device.pack();
        later[0] += 1;
        record.rewrite(vec![Edit::set(DEVICE, &later)]);
        let proof = rules.proof(&token, &record, &cookies, now);
        assert_eq!(proof, ProofState::Missing(NoProof::Foreign));
    }
}
