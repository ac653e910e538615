//! What a layer says once of each thing: the first time as a warning or an error, from then on at debug level or not
//! at all.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::{ambiguous, unreadable};
use crate::value::{Invalid, ValueError};

/// What a layer has warned of: the kind of message, and the name that it is about, if it is about one.
#[derive(Debug, Default)]
pub(crate) struct Reporter {
    warned: Mutex<HashSet<(Kind, &'static str)>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    UnreadableField,
    InvalidView,
    Ambiguous,
    PlainHttp,
    DevelopmentCookie,
    SharedCookie,
    CachedCookie,
    SharedPage,
    #[cfg(debug_assertions)]
    HiddenChange,
    #[cfg(debug_assertions)]
    RefreshedPrivilege,
}

/// A warning the first time, and the same at debug level from then on.
macro_rules! tell {
    ($is_first:expr, $told:ident, $($fields:tt)*) => {
        if $is_first {
            tracing::warn!($($fields)*, "{}; further ones are logged at debug level", $told);
        } else {
            tracing::debug!($($fields)*, "{}", $told);
        }
    };
}

impl Reporter {
    pub(crate) fn unreadable(&self, field: &'static str, error: &ValueError) {
        unreadable(field);
        let told = "a stored session field cannot be read and counts as absent";
        tell!(self.is_first_of(Kind::UnreadableField, field), told, field, %error);
    }

    pub(crate) fn invalid(&self, session: &'static str, invalid: &Invalid) {
        let told = "stored session fields are refused by `validate` and count as absent";
        tell!(self.is_first_of(Kind::InvalidView, session), told, view = session, %invalid);
    }

    pub(crate) fn ambiguous(&self, cookie: &str, too_many: bool) {
        ambiguous();
        let told = if too_many {
            "a request has more cookies of the session's name than are tried, and none is used: one may have been planted"
        } else {
            "two cookies of one request lead to two different sessions, and none is used: one may have been planted"
        };
        tell!(self.is_first(Kind::Ambiguous), told, cookie);
    }

    /// A request came over plain http, where the session cookie is not kept.
    pub(crate) fn plain_http(&self, cookie: &str) {
        if self.is_first(Kind::PlainHttp) {
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
        if self.is_first(Kind::DevelopmentCookie) {
            tracing::warn!(
                cookie,
                "a request came over https, and its session cookie is not `Secure`: `SessionLayer::dev` \
                 and `.secure(false)` are not for production; use `SessionLayer::new`"
            );
        }
    }

    /// Layers of two realms serve one route with one cookie.
    pub(crate) fn shared_cookie(&self, cookie: &str, realm: &str, other: &str) {
        if self.is_first(Kind::SharedCookie) {
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

    /// A handler lets caches store a response that sets the session cookie.
    pub(crate) fn cached_cookie(&self, header: &impl fmt::Display, value: &impl fmt::Debug) {
        let told = "a response sets the session cookie, and its handler lets caches store it; it is \
                    sent as `private, no-store`: let it say so itself, or change no session there";
        tell!(self.is_first(Kind::CachedCookie), told, %header, ?value);
    }

    /// A handler lets caches give a response to others that is made for the user of a session.
    pub(crate) fn shared_page(&self, header: &impl fmt::Display, value: &impl fmt::Debug) {
        let told = "a handler reads the session of its request, and lets caches give the response to \
                    others; it is sent as `private`: let it say so itself, or take no session there";
        tell!(self.is_first(Kind::SharedPage), told, %header, ?value);
    }

    /// In development builds, a field has changed that no view has seen changing.
    #[cfg(debug_assertions)]
    pub(crate) fn hidden_change(&self, field: &'static str) {
        if self.is_first_of(Kind::HiddenChange, field) {
            tracing::error!(
                field,
                "a session field was changed through a shared reference, as a `Mutex`, a `Cell` or an atomic \
                 number allows it; such a change is not stored: take the view as `mut` and use `get_mut`, \
                 or give the field a plain type. Release builds say nothing"
            );
        }
    }

    /// In development builds, a `rotate` field has a new value under the same identity: the struct may hold data
    /// that is refreshed. Once for each struct, which has one `identity` in front.
    #[cfg(debug_assertions)]
    pub(crate) fn refreshed_privilege(
        &self,
        session: &'static str,
        field: &'static str,
        identity: &'static str,
    ) {
        if self.is_first_of(Kind::RefreshedPrivilege, identity) {
            tracing::warn!(
                view = session,
                field,
                identity,
                "a `rotate` field was changed, and the identity beside it was not: the session has a new id, and \
                 parallel requests under the former one are signed out. Data that is refreshed, as an OAuth token, \
                 belongs in a struct of its own without `rotate`. If the field is a privilege, all is well; \
                 `exclusive` on it says so. Release builds say nothing"
            );
        }
    }

    fn is_first(&self, kind: Kind) -> bool {
        self.is_first_of(kind, "")
    }

    fn is_first_of(&self, kind: Kind, name: &'static str) -> bool {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        warned.insert((kind, name))
    }
}
