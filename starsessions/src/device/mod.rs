//! Device binding: sessions that are bound to a key in the browser's device (W3C, Device Bound Session Credentials).
//!
//! - When a session gets its id, or another privilege, the response carries an invitation. The browser makes a key and
//!   registers it at a path of the layer. From then on the session has a second, short cookie, which the browser renews
//!   by signing a challenge at another path.
//! - A bound session works only with a fresh short cookie. A copy of the session's cookie alone is worthless, and a
//!   copy of both works until the short one expires.
//! - The store has one small additional field. The public key is sealed in the identifier that the browser sends: a
//!   signature is checked before the store is asked, and no cookie is needed to find the session.
//! - Where browsers differ from the draft, this module follows the browsers.

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
    /// A fresh short cookie proves the device; it was issued at this time.
    Given(Timestamp),
    /// No proof, but the device was registered only a moment ago, and the browser may have sent the request before
    /// that.
    Young,
    Missing(NoProof),
}

/// Why a request has no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoProof {
    /// It has no short cookie.
    Absent,
    /// The short cookie has expired.
    Stale,
    /// The short cookie belongs to another session or device, or is made up.
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

    /// Whether browsers request this path without a refresh: `/files` excludes everything below it, but not
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
        // A binding in the format of another version cannot be proved.
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
        // A device that was registered by a clock far ahead does not stay young until that time.
        if device.since <= now + CLOCK_SKEW && now.since(device.since) < ON_THE_WAY {
            ProofState::Young
        } else {
            ProofState::Missing(why)
        }
    }

    /// Whether a socket or stream that was opened with a proof from `proved_at` may still follow the session;
    /// `is_marked` says whether its view is marked `bound`. A later registration of the device counts as a proof of its
    /// time.
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

    /// Whether the answer to a challenge is in time. A challenge that was sent in advance is answered when the short
    /// cookie expires.
    pub(crate) fn is_in_time(&self, issued_at: Timestamp, now: Timestamp) -> bool {
        issued_at <= now + CLOCK_SKEW && now < issued_at + self.settings.life + ANSWER_TIME
    }

    pub(crate) fn is_registered_in_time(&self, issued_at: Timestamp, now: Timestamp) -> bool {
        issued_at <= now + CLOCK_SKEW && now < issued_at + ANSWER_TIME
    }

    /// Whether the browser may still be registering a device for this session.
    pub(crate) fn may_be_registering(&self, record: &Record, now: Timestamp) -> bool {
        now.since(record.issued_at) < REGISTRATION_TIME
    }

    /// A body of the type that the inner service answers with.
    pub(crate) fn body<B: 'static>(&self, bytes: Bytes) -> Option<B> {
        self.settings.bodies.make(bytes)
    }
}

/// Makes response bodies of the registered types, since a layer does not know in advance which type it must answer
/// with.
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
/// How long a request that was sent before the device's registration may take to arrive.
const ON_THE_WAY: Duration = Duration::from_secs(10);
/// How long a browser may take to make a key and to register it, before a view that asks for a bound session is
/// refused.
const REGISTRATION_TIME: Duration = Duration::from_secs(60);
/// How long a device may take to sign.
const ANSWER_TIME: Duration = Duration::from_secs(300);
/// How much earlier than the server the browser drops the short cookie, because of requests in flight.
const TRAVEL_TIME: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{DeviceId, KeyRing};
    use crate::record::{DEVICE, Device, Edit};

    /// Another version may be able to read the binding; this one must not treat the session as unbound.
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
