//! The cookies of flows: their names, their content, and how many there may be.

use http::HeaderMap;

use crate::clock::Timestamp;
use crate::cookie::{CookieConfig, SameSite, beginning_with, candidates};
use crate::crypto::{KeyRing, is_flow_name, open_flow, seal_flow};
use crate::error::SessionError;
use crate::observe::FlowRefusal;
use crate::request::FlowCookie;

/// The cookies of flows that a request has brought, and how its layer makes them.
pub(super) struct Cookies<'a> {
    pub(super) config: &'a CookieConfig,
    pub(super) keys: &'a KeyRing,
    pub(super) headers: &'a HeaderMap,
    pub(super) now: Timestamp,
}

/// The content of a flow's cookie.
pub(super) struct Attempt {
    pub(super) end: Timestamp,
    pub(super) same_site: SameSite,
    pub(super) data: Vec<u8>,
}

/// An attempt that the browser has or will have, as far as the next attempt needs to know it.
struct EarlierAttempt {
    name: String,
    octets: usize,
    /// `None` if it cannot be opened, or is new.
    end: Option<Timestamp>,
    same_site: SameSite,
}

impl Cookies<'_> {
    /// The name of a flow's cookie. It begins with the name of the session's cookie, so it has the same prefix.
    pub(super) fn name(&self, ending: &str) -> String {
        format!("{}{INFIX}{ending}", self.config.name())
    }

    /// The value of the cookie with this name.
    pub(super) fn seal(&self, name: &str, attempt: &Attempt) -> Result<String, SessionError> {
        let is_cross_site = [u8::from(attempt.same_site == SameSite::None)];
        let payload = [&is_cross_site, attempt.data.as_slice()].concat();
        Ok(seal_flow(self.keys, name, attempt.end, &payload)?)
    }

    fn open(&self, name: &str, value: &[u8]) -> Option<Attempt> {
        let (end, payload) = open_flow(self.keys, name, value, self.now).ok()?;
        let (is_cross_site, data) = payload.split_first()?;
        Some(Attempt {
            end,
            same_site: match is_cross_site {
                0 => SameSite::Lax,
                _ => SameSite::None,
            },
            data: data.to_vec(),
        })
    }

    /// The attempt in the cookie with this name. A sibling host may have planted other cookies with the name.
    pub(super) fn find(&self, name: &str) -> Result<Attempt, FlowRefusal> {
        let sent = candidates(self.headers, name);
        if sent.is_empty() {
            return Err(FlowRefusal::Unknown);
        }
        let opened = sent
            .values()
            .iter()
            .find_map(|value| self.open(name, value));
        let attempt = opened.ok_or(FlowRefusal::Unreadable)?;
        if attempt.end <= self.now {
            return Err(FlowRefusal::Expired);
        }
        Ok(attempt)
    }

    /// The cookies to remove, so that a new one of this size makes at most `most` cookies and [`MOST_OCTETS`]: first
    /// those that cannot be opened, then the oldest, then those that the response has `set` itself.
    pub(super) fn make_room(
        &self,
        octets: usize,
        most: usize,
        set: &[FlowCookie],
    ) -> Vec<FlowCookie> {
        let start = self.name("");
        let mut earlier: Vec<EarlierAttempt> = Vec::new();
        let sent = beginning_with(self.headers, &start).filter_map(|(ending, value)| {
            let ending = str::from_utf8(ending).ok()?;
            is_flow_name(ending).then_some((ending, value))
        });
        for (ending, value) in sent.take(MOST_LOOKED_AT) {
            let name = self.name(ending);
            if is_among(set, &name) || earlier.iter().any(|known| known.name == name) {
                continue;
            }
            let opened = self.open(&name, value);
            earlier.push(EarlierAttempt {
                octets: name.len() + value.len(),
                end: opened.as_ref().map(|attempt| attempt.end),
                same_site: opened.map_or(SameSite::Lax, |attempt| attempt.same_site),
                name,
            });
        }
        earlier.sort_by_key(|cookie| cookie.end);
        let new = set.iter().filter(|cookie| !cookie.is_removal());
        earlier.extend(new.map(|cookie| EarlierAttempt {
            name: cookie.name.clone(),
            octets: cookie.name.len() + cookie.value.len(),
            end: None,
            same_site: cookie.same_site,
        }));
        let mut count = earlier.len() + 1;
        let sizes = earlier.iter().map(|cookie| cookie.octets);
        let mut total = octets + sizes.sum::<usize>();
        let mut going = Vec::new();
        for cookie in earlier {
            if count <= most && total <= MOST_OCTETS {
                break;
            }
            count -= 1;
            total -= cookie.octets;
            going.push(FlowCookie::removal(cookie.name, cookie.same_site));
        }
        going
    }
}

/// Whether the response sets or removes the cookie of this name.
pub(super) fn is_among(set: &[FlowCookie], name: &str) -> bool {
    set.iter().any(|cookie| cookie.name == name)
}

/// The text between the name of the session's cookie and that of a flow.
const INFIX: &str = "-flow-";

/// More than any browser is given. A request with thousands of cookies costs no more than these.
const MOST_LOOKED_AT: usize = 64;

/// The most octets of all flows' cookies together. Common proxies accept 8 KiB of cookies, and a session in its cookie
/// may take half of that.
const MOST_OCTETS: usize = 4096;
