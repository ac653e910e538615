//! The headers and the JSON of the exchange.

use http::HeaderValue;
use http::header::{HeaderMap, HeaderName};
use serde_json::json;

use super::{DeviceRules, TRAVEL_TIME};
use crate::clock::Timestamp;
use crate::crypto::{DeviceId, ReferenceToken};

impl DeviceRules {
    /// The header that invites a browser to register a key.
    pub(crate) fn invitation(&self, challenge: &str) -> Option<HeaderValue> {
        let path = &self.register;
        sensitive(format!("(ES256);path=\"{path}\";challenge=\"{challenge}\""))
    }

    /// The header with the challenge to sign next.
    pub(crate) fn challenge(&self, challenge: &str, identifier: &str) -> Option<HeaderValue> {
        sensitive(format!("\"{challenge}\";id=\"{identifier}\""))
    }

    pub(crate) fn set_cookie(
        &self,
        token: &ReferenceToken,
        device: &DeviceId,
        now: Timestamp,
    ) -> Option<HeaderValue> {
        let value = token.device_cookie(device, now);
        let life = self.settings.life.saturating_sub(TRAVEL_TIME);
        self.cookie.set_token(&value, Some(life))
    }

    /// The JSON that tells a browser its new binding. The attributes of the cookie are those of `Set-Cookie`: if they
    /// differed, the browser would refresh before each request.
    pub(crate) fn configuration(&self, identifier: &str) -> String {
        let excluded = self.settings.excluded.iter();
        let excluded =
            excluded.map(|path| json!({ "type": "exclude", "domain": "*", "path": path }));
        let mut configuration = json!({
            "session_identifier": identifier,
            "refresh_url": self.refresh,
            "scope": {
                "include_site": false,
                "scope_specification": excluded.collect::<Vec<_>>(),
            },
            "credentials": [{
                "type": "cookie",
                "name": self.cookie.name(),
                "attributes": self.cookie.attributes(),
            }],
        });
        if !self.settings.initiators.is_empty() {
            configuration["allowed_refresh_initiators"] = json!(self.settings.initiators);
        }
        configuration.to_string()
    }
}

/// The only value of a header: raw, as browsers send it, or in quotes, as the draft has it.
pub(crate) fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h [u8]> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.as_bytes();
    let bare = value
        .strip_prefix(b"\"")
        .and_then(|it| it.strip_suffix(b"\""));
    values.next().is_none().then_some(bare.unwrap_or(value))
}

fn sensitive(text: String) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

pub(crate) const REGISTRATION: HeaderName = HeaderName::from_static("secure-session-registration");
pub(crate) const CHALLENGE: HeaderName = HeaderName::from_static("secure-session-challenge");
pub(crate) const RESPONSE: HeaderName = HeaderName::from_static("secure-session-response");
pub(crate) const IDENTIFIER: HeaderName = HeaderName::from_static("sec-secure-session-id");
pub(crate) const SKIPPED: HeaderName = HeaderName::from_static("secure-session-skipped");
