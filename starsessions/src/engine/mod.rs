//! The only code that awaits a store: it finds the session of a request and carries out its plan.

mod backend;
mod changes;
mod client_side;
mod erased;
mod forward;
mod label;
mod limit;
mod listing;
mod server_side;
mod timed;
mod vault;
mod watchers;
mod wire;

use std::sync::Arc;
use std::time::Duration;

pub use self::backend::{Backend, CookieStore};
pub(crate) use self::changes::{Base, Change, Changes};
pub(crate) use self::client_side::{ClientSide, CookieMode, SealedId};
pub(crate) use self::label::{LABEL_LIMIT, LABEL_SPEC};
pub(crate) use self::listing::Lookup;
pub(crate) use self::server_side::ServerSide;
pub(crate) use self::vault::Vault;
pub(crate) use self::watchers::{Watched, Watchers};
use crate::clock::{Clock, Timestamp};
use crate::crypto::{self, KeyRing, ReferenceToken};
use crate::error::SessionError;
use crate::lifecycle::expiry::End;
use crate::lifecycle::plan::Step;
use crate::lifecycle::{Policy, SessionLimit};
use crate::observe::{Name, Refusal};
use crate::record::{Commit, Record, Touch};
use crate::store::StoreError;

/// Keys, timers, clock, and the place where sessions are kept.
pub(crate) struct Engine {
    pub(crate) keys: KeyRing,
    pub(crate) policy: Policy,
    pub(crate) clock: Arc<dyn Clock>,
    /// The cookie carries `Max-Age` also for sessions that are not remembered.
    pub(crate) persistent_cookie: bool,
    /// How many sessions a user may have.
    pub(crate) limit: Option<SessionLimit>,
    pub(crate) place: Place,
}

/// Where sessions are kept.
pub(crate) enum Place {
    /// The cookie is a reference to a record in a store.
    Server(ServerSide),
    /// The cookie is the record.
    Client(ClientSide),
}

/// A session that this request may use.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub(crate) credential: Credential,
    pub(crate) record: Record,
    /// The credential stands under a key that is not the active one: it is to be issued anew.
    pub(crate) is_outdated: bool,
    /// The browser does not have this credential yet: it came with the one before.
    pub(crate) is_news: bool,
}

/// What the browser has to show for its session.
#[derive(Clone, Debug)]
pub(crate) enum Credential {
    Reference(Arc<ReferenceToken>),
    Sealed(SealedId),
}

/// What the cookies of a request lead to.
#[derive(Debug)]
pub(crate) enum Presented {
    Nobody(Refusal),
    Live(Live),
    /// To an id that a sign-in has just ended. Nobody goes on from here, but the browser is about to
    /// hear of a successor.
    Former,
    /// Two cookies lead to two different sessions: somebody has planted one of them.
    Ambiguous,
}

/// One operation, with everything it takes.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) step: Step,
    pub(crate) live: Option<Live>,
    pub(crate) changes: Changes,
    pub(crate) remember: Option<bool>,
    pub(crate) touch: Option<Touch>,
    /// The request does not count as activity.
    pub(crate) is_passive: bool,
    pub(crate) now: Timestamp,
}

/// What has become of the session.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) live: Option<Live>,
    pub(crate) cookie: CookieChange,
    /// The session had ended elsewhere; nothing was written.
    pub(crate) is_gone: bool,
    /// Why the timers are as they were. It takes nothing away from anybody but time, so the request
    /// goes on.
    pub(crate) untouched: Option<StoreError>,
}

/// What the response tells the browser.
#[derive(Debug, Default)]
pub(crate) enum CookieChange {
    #[default]
    Keep,
    Set {
        value: String,
        max_age: Option<Duration>,
    },
    Remove,
}

impl Engine {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Finds the session that several cookies of our name lead to: one of them is a leftover next to
    /// the real one, or an attempt to plant one.
    pub(crate) async fn choose(
        &self,
        cookies: &[&[u8]],
        now: Timestamp,
    ) -> Result<Presented, StoreError> {
        let mut found = Presented::Nobody(Refusal::NoCookie);
        for cookie in cookies {
            match (self.resolve(cookie, now).await?, &mut found) {
                (Presented::Live(live), Presented::Live(first)) => {
                    if !first.is_same_session(&live) {
                        return Ok(Presented::Ambiguous);
                    }
                    first.prefer(live);
                }
                (_, Presented::Live(_)) => {}
                (Presented::Nobody(_), found) if !matches!(found, Presented::Nobody(_)) => {}
                (next, _) => found = next,
            }
        }
        Ok(found)
    }

    /// Finds the session that a cookie leads to.
    pub(crate) async fn resolve(
        &self,
        cookie: &[u8],
        now: Timestamp,
    ) -> Result<Presented, StoreError> {
        match &self.place {
            Place::Server(server) => server.resolve(self, cookie, now).await,
            Place::Client(client) => client.resolve(self, cookie, now).await,
        }
    }

    /// The same session as it is stored now; `None` if it has ended.
    pub(crate) async fn refresh(
        &self,
        live: Live,
        now: Timestamp,
    ) -> Result<Option<Live>, StoreError> {
        match &self.place {
            Place::Server(server) => server.refresh(self, live, now).await,
            Place::Client(client) => client.refresh(live, now).await,
        }
    }

    /// Carries out one step.
    pub(crate) async fn execute(&self, work: Box<Work>) -> Result<Done, SessionError> {
        match self.limit {
            Some(limit) if work.changes.may_sign_in() => {
                Box::pin(self.execute_within(limit, work)).await
            }
            _ => self.carry_out(work).await,
        }
    }

    async fn carry_out(&self, work: Box<Work>) -> Result<Done, SessionError> {
        match &self.place {
            Place::Server(server) => server.execute(self, work).await,
            Place::Client(client) => client.execute(self, work).await,
        }
    }

    /// `Max-Age` of a cookie for this record: the rest of its life, or none for a session cookie.
    fn max_age(&self, record: &Record, now: Timestamp) -> Option<Duration> {
        (self.persistent_cookie || record.remembered).then(|| record.expires_at.since(now))
    }

    /// The record that begins with these changes.
    fn first_record(&self, work: &Work) -> Result<Record, SessionError> {
        let remembered = work.remember.unwrap_or(false);
        let expires_at = self.policy.deadline(work.now, remembered, work.now);
        let mut record = Record::new(work.now, expires_at);
        record.revision = 0;
        record.remembered = remembered;
        let touch = Touch::new(work.now, expires_at);
        let commit = work.changes.rebase(&record, touch, work.now)?;
        commit.apply(&mut record);
        self.check_size(&record)?;
        Ok(record)
    }

    /// The changes of this request on top of `record`, as it is stored now.
    fn commit_for(&self, record: &Record, work: &Work) -> Result<Commit, SessionError> {
        let mut touch = work
            .touch
            .clone()
            .unwrap_or_else(|| Touch::new(record.last_seen_at, record.expires_at));
        let remembered = work.remember.unwrap_or(record.remembered);
        if remembered != record.remembered {
            touch.last_seen_at = work.now;
            touch.expires_at = self
                .policy
                .deadline(record.created_at, remembered, work.now);
        }
        let mut commit = work.changes.rebase(record, touch, work.now)?;
        commit.remembered = work.remember;
        if work.step == (Step::Rotate { grace: false }) {
            Changes::end_privileged(record, &mut commit);
        }
        Ok(commit)
    }

    fn check_size_after(&self, commit: &Commit, record: &Record) -> Result<(), SessionError> {
        if commit.size_after(record) <= self.policy.record_limit {
            return Ok(());
        }
        let mut after = record.clone();
        commit.apply(&mut after);
        self.check_size(&after)
    }

    fn check_size(&self, record: &Record) -> Result<(), SessionError> {
        let size = record.fields.size();
        if size > self.policy.record_limit {
            return Err(SessionError::too_large_record(
                &record.fields,
                size,
                self.policy.record_limit,
            ));
        }
        Ok(())
    }
}

/// Why a cookie's value could not be read.
fn why_unreadable(value: &[u8]) -> Refusal {
    if crypto::is_well_formed(value) {
        Refusal::Key
    } else {
        Refusal::Malformed
    }
}

fn why_expired(policy: &Policy, record: &Record, now: Timestamp) -> Refusal {
    match policy.end_of(record, now) {
        End::Idle => Refusal::Idle,
        End::Absolute => Refusal::Absolute,
        End::Deadline => Refusal::Expired,
    }
}

impl Presented {
    fn live(self) -> Option<Live> {
        match self {
            Self::Live(live) => Some(live),
            Self::Nobody(_) | Self::Former | Self::Ambiguous => None,
        }
    }
}

impl Live {
    /// What a log calls it.
    pub(crate) fn name<'a>(&'a self, keys: &'a KeyRing) -> Name<'a> {
        match &self.credential {
            Credential::Reference(token) => Name::Token(token),
            Credential::Sealed(id) => Name::Row(keys, id.row_key()),
        }
    }

    /// Whether both have come by cookies of one session: an id in its grace and the one after it, or
    /// two states of a session that is its cookie.
    fn is_same_session(&self, other: &Self) -> bool {
        match (&self.credential, &other.credential) {
            (Credential::Reference(a), Credential::Reference(b)) => a.row_key() == b.row_key(),
            (Credential::Sealed(a), Credential::Sealed(b)) => a == b,
            _ => false,
        }
    }

    /// Goes on with the cookie that is ahead of the other one.
    fn prefer(&mut self, other: Self) {
        if self.is_news || self.record.last_seen_at < other.record.last_seen_at {
            *self = other;
        }
    }
}

impl Done {
    fn gone() -> Self {
        Self {
            is_gone: true,
            ..Self::kept(None)
        }
    }

    fn ended() -> Self {
        Self {
            cookie: CookieChange::Remove,
            ..Self::kept(None)
        }
    }

    fn kept(live: Option<Live>) -> Self {
        Self {
            live,
            cookie: CookieChange::Keep,
            is_gone: false,
            untouched: None,
        }
    }
}
