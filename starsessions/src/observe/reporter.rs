//! Messages that a layer logs once for each cause: the first time as a warning or an error, from then on at debug level
//! or not at all.

use std::collections::HashSet;
use std::fmt;
use std::sync::{LazyLock, Mutex, PoisonError};

use super::{ambiguous, unreadable};
use crate::value::{Invalid, ValueError};

/// The warnings logged so far: a message, or a word for it, and the name that it is about, which may be empty.
#[derive(Debug, Default)]
pub(crate) struct Reporter {
    warned: Mutex<HashSet<(&'static str, &'static str)>>,
}

/// A warning or an error the first time, and the same at debug level from then on.
macro_rules! tell_once {
    ($level:ident, $is_first:expr, $told:ident, $($fields:tt)*) => {
        if $is_first {
            tracing::$level!($($fields)*, "{}; further ones are logged at debug level", $told);
        } else {
            tracing::debug!($($fields)*, "{}", $told);
        }
    };
}

impl Reporter {
    pub(crate) fn unreadable(&self, field: &'static str, error: &ValueError) {
        unreadable(field);
        let told = "a stored session field cannot be read and counts as absent";
        tell_once!(warn, self.is_first(told, field), told, field, %error);
    }

    pub(crate) fn invalid(&self, session: &'static str, invalid: &Invalid) {
        let told = "stored session fields are refused by `validate` and count as absent";
        tell_once!(warn, self.is_first(told, session), told, view = session, %invalid);
    }

    pub(crate) fn ambiguous(&self, cookie: &str, too_many: bool) {
        ambiguous();
        let told = if too_many {
            "a request has more cookies of the session's name than are tried, and none is used: one may have been planted"
        } else {
            "two cookies of one request lead to two different sessions, and none is used: one may have been planted"
        };
        tell_once!(warn, self.is_first(told, ""), told, cookie);
    }

    /// A request came over plain http, where the session cookie is not kept.
    pub(crate) fn plain_http(&self, cookie: &str) {
        if self.is_first("plain http", "") {
            tracing::warn!(
                cookie,
                "the session cookie is `Secure` and a request came over plain http, where browsers do \
                 not keep it (some do on localhost), so no sign-in lasts: serve https; for http://localhost use \
                 `SessionLayer::dev`, or `.cookie(|cookie| cookie.secure(false))` and another name"
            );
        }
    }

    /// A request came over https, and the session cookie is one for development.
    pub(crate) fn development_cookie(&self, cookie: &str) {
        if self.is_first("development cookie", "") {
            tracing::warn!(
                cookie,
                "a request came over https, and its session cookie is not `Secure`: `SessionLayer::dev` \
                 and `.secure(false)` are not for production; use `SessionLayer::new`"
            );
        }
    }

    /// Layers of two realms serve one route with one cookie.
    pub(crate) fn shared_cookie(&self, cookie: &str, realm: &str, other: &str) {
        if self.is_first("shared cookie", "") {
            tracing::error!(
                cookie,
                realm,
                other,
                "the layers of two realms set one cookie, so a session of one ends that of the other: give the \
                 cookie of one another name, `.cookie(|cookie| cookie.name(\"admin\"))` (after \
                 `.local_development()`, if that is used)"
            );
        }
    }

    /// The layers of one realm serve one route, and the inner one has no effect.
    pub(crate) fn second_layer(&self, realm: &str, path: &str) {
        let told = "two `SessionLayer`s of one realm serve this route; the outer one is used: \
                    remove one, or give it another `realm`";
        tell_once!(error, self.is_first(told, ""), told, realm, path);
    }

    /// A change was made when nothing could be written any more, or was not committed by the task that made it.
    pub(crate) fn late_change(&self, session: &'static str) {
        let told = "a session was changed after its response had left or its request was dropped, as in a task; the \
                    change is lost: commit it in time, or have the task change a handle that `detach` has made";
        tell_once!(error, self.is_first(told, session), told, view = session);
    }

    /// A page of the application does not fit the responses of its service.
    pub(crate) fn page_of_another_type(&self, made: &str, wanted: &str) {
        let told = "a page of `on_rejection` has a body of another type than the responses of the service inside \
                    the layer, and is not shown";
        tell_once!(error, self.is_first(told, ""), told, made, wanted);
    }

    #[cfg(feature = "dbsc")]
    pub(crate) fn no_room_for_device(&self, error: &impl fmt::Display) {
        let told = "a session has no room for its device; raise the limit, or store less in it";
        tell_once!(error, self.is_first(told, ""), told, %error);
    }

    /// A handler lets caches store a response that sets the session cookie.
    pub(crate) fn cached_cookie(&self, header: &impl fmt::Display, value: &impl fmt::Debug) {
        let told = "a response sets the session cookie, and its handler lets caches store it; it is \
                    sent as `private, no-store`: let it say so itself, or change no session there";
        tell_once!(warn, self.is_first(told, ""), told, %header, ?value);
    }

    /// A handler lets shared caches store a response that is made for the user of a session.
    pub(crate) fn shared_page(&self, header: &impl fmt::Display, value: &impl fmt::Debug) {
        let told = "a handler reads the session of its request, and lets caches give the response to \
                    others; it is sent as `private`: let it say so itself, or take no session there";
        tell_once!(warn, self.is_first(told, ""), told, %header, ?value);
    }

    /// A field was changed through a shared reference, which a view does not notice. Development builds only.
    #[cfg(debug_assertions)]
    pub(crate) fn hidden_change(&self, field: &'static str) {
        if self.is_first("hidden change", field) {
            tracing::error!(
                field,
                "a session field was changed through a shared reference, as a `Mutex`, a `Cell` or an atomic \
                 number allows it; such a change is not stored: take the view as `mut` and use `get_mut`, \
                 or give the field a plain type. Release builds say nothing"
            );
        }
    }

    /// A `rotate` field was changed, and its struct's identity was not: the struct may hold data that is refreshed.
    /// Development builds only, once per struct, which has one `identity`.
    #[cfg(debug_assertions)]
    pub(crate) fn refreshed_privilege(
        &self,
        session: &'static str,
        field: &'static str,
        identity: &'static str,
    ) {
        if self.is_first("refreshed privilege", identity) {
            tracing::warn!(
                view = session,
                field,
                identity,
                "a `rotate` field was changed, and the identity beside it was not: the session has a new id, and \
                 parallel requests under the former one are signed out. Data that is refreshed, as an OAuth token, \
                 belongs in a struct of its own without `rotate`. If the field is a privilege, mark it \
                 `exclusive`, and this warning ends. Release builds do not give it"
            );
        }
    }

    /// A layer for single routes has no effect, because no `SessionLayer` is outside of it. The reporter is shared, because
    /// there is no realm.
    pub(crate) fn no_sessions(layer: &'static str, method: &impl fmt::Display, path: &str) {
        static OF_NO_REALM: LazyLock<Reporter> = LazyLock::new(Reporter::default);
        let told = "this layer changes nothing where no `SessionLayer` is outside of it; put it inside: add \
                    `.layer(SessionLayer::new(..))` after it";
        let is_first = OF_NO_REALM.is_first(told, layer);
        tell_once!(error, is_first, told, layer, %method, path);
    }

    fn is_first(&self, message: &'static str, name: &'static str) -> bool {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        warned.insert((message, name))
    }
}
