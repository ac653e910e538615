//! Why a request's session went as it did, for the developers of the site.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use http::HeaderMap;

use super::finish::ResponseKind;
use super::provenance;
use super::realm::Realm;
use super::slot::{Seen, Slot};
use crate::clock::Timestamp;
use crate::cookie::SameSite;
#[cfg(feature = "dbsc")]
use crate::device::NoProof;
use crate::engine::{CookieChange, Executed, Presented};
use crate::error::SessionError;
use crate::lifecycle::plan::Step;
use crate::observe::{self, By, FlowRefusal, Refusal};
use crate::schema::Schema;
use crate::store::StoreError;

/// The notes of one request. They name causes and settings, never an id or a value.
#[derive(Debug)]
pub(crate) struct Explanation {
    notes: Mutex<Vec<Cow<'static, str>>>,
    is_plain: bool,
    is_cross_site: bool,
    has_written: AtomicBool,
}

impl Explanation {
    /// The explanation at the beginning of a request, from its headers, and its authority where it has no `Host`.
    pub(super) fn new(headers: &HeaderMap, authority: Option<&str>) -> Self {
        Self {
            notes: Mutex::default(),
            is_plain: provenance::is_plain(headers, authority),
            is_cross_site: provenance::is_cross_site(headers),
            has_written: AtomicBool::new(false),
        }
    }

    #[cfg(feature = "takeover")]
    pub(super) fn taken_over(&self) {
        self.note(TAKEN_OVER);
    }

    pub(super) fn loaded(
        &self,
        found: &Result<Presented, StoreError>,
        by: By,
        realm: &Realm,
        cookie_name: &str,
        now: Timestamp,
    ) {
        match found {
            Ok(Presented::Live(live, _)) => {
                self.note(match by {
                    By::Cookie => "loaded",
                    By::Header => "loaded, by its token",
                });
                // A session that was taken over is new to its browser as well.
                if live.is_unannounced && !self.notes().iter().any(|note| note == TAKEN_OVER) {
                    self.note("by the id before a renewal, within its grace");
                }
                if realm.engine.waits_for_new_id(live, now) {
                    self.note("its key is being retired, and the id is too young for a new one");
                }
            }
            Ok(Presented::Nobody(why)) => self.refused(*why, by, realm),
            Ok(Presented::Former { is_recent: false, .. }) => {
                self.refused(Some(Refusal::Unknown), by, realm);
            }
            Ok(Presented::Former { .. }) => self.note(
                "not loaded: a sign-in has ended this id not long ago, and the browser may have yet to hear \
                 of the new one",
            ),
            Ok(Presented::Ambiguous(_)) => self.note(format!(
                "not loaded: two cookies `{cookie_name}` lead to two sessions, or there are more than are tried; \
                 `former_cookie` removes a leftover"
            )),
            Err(_) => self.note("not loaded: the store failed; the log has its error"),
        }
    }

    fn refused(&self, why: Option<Refusal>, by: By, realm: &Realm) {
        let Some(why) = why else {
            return self.shows_nothing(realm);
        };
        // The check of the device has a note of its own.
        if why != Refusal::Unproven {
            self.note(format!("{} refused: {}", by.what(), why_refused(why)));
        }
    }

    fn shows_nothing(&self, realm: &Realm) {
        let cookie = realm.cookie.name();
        let header = realm.carriers.header.as_ref().map(|header| &header.name);
        self.note(match header {
            None => format!("no session: the request has no cookie `{cookie}`"),
            Some(header) if realm.carriers.has_cookie => format!(
                "no session: the request has no cookie `{cookie}`, and no token of this library in `{header}`"
            ),
            Some(header) => {
                format!("no session: the request has no token of this library in `{header}`")
            }
        });
        if !realm.carriers.has_cookie {
            return;
        }
        if self.is_cross_site && realm.cookie.same_site() != SameSite::None {
            self.note(format!(
                "another site has caused it, and browsers leave out a `SameSite={:?}` cookie there{}",
                realm.cookie.same_site(),
                if realm.cookie.same_site() == SameSite::Lax {
                    ", but for links"
                } else {
                    ""
                },
            ));
        }
        self.note_plain(realm, "send");
    }

    /// Notes a `Secure` cookie over plain http.
    fn note_plain(&self, realm: &Realm, does_not: &str) {
        if self.is_plain && realm.cookie.is_secure() {
            self.note(format!(
                "the request came over plain http, where browsers do not {does_not} a `Secure` \
                 cookie (some do on localhost); serve https, or for http://localhost use \
                 `SessionLayer::dev`"
            ));
        }
    }

    /// Notes that the session is bound to a device, and that the request has no proof of it.
    #[cfg(feature = "dbsc")]
    pub(super) fn unproven(&self, why: NoProof) {
        self.note(match why {
            NoProof::Absent => {
                "no proof: the session is bound to a device, and the request has no cookie of it; the browser has not \
                 refreshed it, or the session's cookie was copied"
            }
            NoProof::Stale => "no proof: the cookie of the session's device has run out",
            NoProof::Foreign => {
                "no proof: the cookie of the session's device is of another session or device, or made up"
            }
        });
    }

    /// Notes that the end of the request has dropped changes.
    pub(super) fn dropped(&self, response: ResponseKind) {
        self.note(match response {
            ResponseKind::Discarded => "changes dropped: the handler has called `discard`",
            ResponseKind::Failed => "changes dropped: the handler has answered with an error of its session",
            ResponseKind::Rejection => "changes dropped: an extractor has turned the request away",
            ResponseKind::Answer | ResponseKind::ServerError => {
                "changes dropped: the response is a 5xx or a 408; `commit = always` or `on_server_error` keeps them"
            }
        });
    }

    pub(super) fn written(&self, step: Step, fields: usize, done: &Result<Executed, SessionError>) {
        self.has_written.store(true, Ordering::Relaxed);
        self.note(match (step, done) {
            (_, Err(error)) => return self.failed(error),
            (_, Ok(done)) if done.is_gone => "not written: the session has ended meanwhile".into(),
            (Step::Nothing, _) => return,
            (Step::Touch, _) => Cow::Borrowed("deadlines moved"),
            (Step::Create, _) => format!("created: {}", number_of(fields)).into(),
            (Step::Commit, _) => format!("written: {}", number_of(fields)).into(),
            (Step::Rotate { grace: true }, _) => "new id: the old one was due for renewal".into(),
            (Step::Rotate { grace: false }, _) => {
                "new id: a `rotate` field has changed, or `rotate` was called".into()
            }
            (Step::Replace, _) => "ended, and another one created".into(),
            (Step::Delete, _) => "ended".into(),
        });
    }

    /// Notes that the request has ended the session.
    pub(super) fn ended(&self) {
        self.has_written.store(true, Ordering::Relaxed);
        self.note("ended");
    }

    /// Notes that a view was changed after the request had thrown its changes away.
    pub(super) fn late(&self, schema: &Schema) {
        self.has_written.store(true, Ordering::Relaxed);
        let view = schema.type_name;
        self.note(format!(
            "not written: a view of `{view}` from before `destroy` or `rollback` was changed; take another one \
             behind it"
        ));
    }

    /// Notes why nothing was written. The text of an error about a value is left out, because it may contain the value.
    pub(super) fn failed(&self, error: &SessionError) {
        self.has_written.store(true, Ordering::Relaxed);
        let note = match error {
            SessionError::Invalid { name, .. } | SessionError::Value { field: name, .. } => {
                format!("not written: `{name}` cannot be stored; the log has its error")
            }
            error => format!("not written: {error}"),
        };
        let mut notes = self.notes();
        if !notes.iter().any(|known| *known == note) {
            notes.push(note.into());
        }
    }

    pub(super) fn flow(&self, end: Result<(), FlowRefusal>) {
        self.note(match end {
            Ok(()) => "flow finished",
            Err(FlowRefusal::Unknown) => {
                "flow refused: no cookie of it; it was finished, has taken too long, was begun in another \
                 browser or for another type, or its state is forged"
            }
            Err(FlowRefusal::Unreadable) => {
                "flow refused: its cookie is of other keys, another realm or another layout of its type"
            }
            Err(FlowRefusal::Expired) => "flow refused: it has taken too long",
            Err(FlowRefusal::Embedded) => {
                "flow not begun: another site has caused the request, for a frame or a part of its page"
            }
        });
    }

    pub(super) fn twofold(&self) {
        self.note(
            "not loaded: the request shows more than one credential of a session, and none is used",
        );
    }

    pub(super) fn handed_out(&self) {
        self.note("token handed out");
    }

    /// The whole explanation, at the end of the request.
    pub(super) fn conclude(&self, cookie: &CookieChange, realm: &Realm) -> String {
        if !self.has_written.load(Ordering::Relaxed) {
            self.note("nothing to write");
        }
        match cookie {
            CookieChange::Keep => {}
            CookieChange::Remove => self.note("cookie removed"),
            CookieChange::Set { .. } => {
                self.note("cookie set");
                self.note_plain(realm, "keep");
            }
        }
        // A header is one line, even if an application's own message is not.
        let text = self.notes().join("; ").replace(char::is_control, " ");
        observe::explained(&realm.name, &text);
        text
    }

    fn note(&self, note: impl Into<Cow<'static, str>>) {
        self.notes().push(note.into());
    }

    fn notes(&self) -> MutexGuard<'_, Vec<Cow<'static, str>>> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// Explains that a view was held while another one has changed the same struct.
    pub(crate) fn explain_overlooked(&self, schema: &'static Schema, seen: &Seen) {
        self.explain(|explanation| {
            let state = self.state();
            if state.epoch == seen.epoch
                && let Some(field) = state
                    .pending
                    .changes
                    .unseen(schema.fields, seen.record.as_ref())
            {
                let view = schema.type_name;
                explanation.note(format!(
                    "a view of `{view}` was held while another one changed `{field}`, and has not seen it: drop a view \
                     before the next one is taken, in a middleware before `next.run`"
                ));
            }
        });
    }

    /// Explains that the application does not find the user of a sign-in.
    pub(crate) fn explain_no_user(&self, login: &Schema) {
        let login = login.type_name;
        self.explain(|explanation| {
            explanation.note(format!(
                "`CurrentUser::load` has found no user for `{login}`"
            ));
        });
    }

    /// Reports a field that was changed, but not through a mutable borrow.
    #[cfg(debug_assertions)]
    pub(crate) fn report_hidden_change(&self, field: &'static str) {
        self.realm().reporter.hidden_change(field);
        self.explain(|explanation| {
            explanation.note(format!(
                "not written: `{field}` was changed through a shared reference; see the log"
            ));
        });
    }
}

const TAKEN_OVER: &str = "taken over from another library";

/// Why a cookie or a token leads to no session.
pub(crate) fn why_refused(why: Refusal) -> &'static str {
    match why {
        Refusal::Malformed => "its value is not one of this library; is it another cookie's name?",
        Refusal::Key => {
            "its key is one that this layer does not have, or it was made for another cookie, realm or \
             audience"
        }
        Refusal::Unknown => {
            "no such session; it was ended, has expired or was rotated away, or the store is another one"
        }
        Refusal::Idle => "ended by the idle timeout",
        Refusal::Absolute => "ended by the absolute timeout",
        Refusal::Expired => "past the deadline of its last use",
        Refusal::Revoked => "its session was ended",
        Refusal::Future => "it was made in the future; are the clocks of the servers right?",
        Refusal::Unproven => "its session is bound to a device, whose proof is missing",
    }
}

fn number_of(fields: usize) -> String {
    match fields {
        1 => "1 field".to_owned(),
        fields => format!("{fields} fields"),
    }
}
