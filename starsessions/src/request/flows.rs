//! The cookies of flows that a response sets and removes.

use std::time::Duration;

use super::slot::Slot;
use crate::cookie::SameSite;
use crate::error::SessionError;
use crate::observe::FlowRefusal;
use crate::sentence::debug_as_name;

/// The cookie of a flow, and how long the browser keeps it.
#[derive(Clone)]
pub(crate) struct FlowCookie {
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) same_site: SameSite,
    pub(crate) max_age: Duration,
}

debug_as_name!(FlowCookie);

impl FlowCookie {
    /// A cookie that makes the browser forget the one of this name.
    pub(crate) fn removal(name: String, same_site: SameSite) -> Self {
        Self {
            name,
            value: String::new(),
            same_site,
            max_age: Duration::ZERO,
        }
    }

    /// Whether it removes a cookie. A failed response does so, too: an attempt that was used up stays so.
    pub(crate) fn is_removal(&self) -> bool {
        self.max_age.is_zero()
    }
}

impl Slot {
    /// Makes the response set this cookie, in the place of an earlier one of its name.
    pub(crate) fn set_flow_cookie(&self, cookie: FlowCookie) -> Result<(), SessionError> {
        let mut state = self.open_state()?;
        let place = state.flows.iter().position(|it| it.name == cookie.name);
        let before = place.map(|place| state.flows.remove(place));
        // The browser has never had what this response was to set.
        let is_taken_back = cookie.is_removal() && before.is_some_and(|it| !it.is_removal());
        if !is_taken_back {
            state.flows.push(cookie);
        }
        Ok(())
    }

    /// The cookies that the response sets so far.
    pub(crate) fn flow_cookies(&self) -> Vec<FlowCookie> {
        self.state().flows.clone()
    }

    pub(crate) fn explain_flow(&self, end: Result<(), FlowRefusal>) {
        self.explain(|explanation| explanation.flow(end));
    }
}
