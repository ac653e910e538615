//! A session that is used outside of requests: by a WebSocket, an event stream, a task.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use super::watch::Watch;
use super::{CurrentSession, Session};
use crate::clock::Timestamp;
use crate::engine::{Live, Watched, Work};
use crate::error::{DetachError, SessionError};
use crate::lifecycle::changes::Changes;
use crate::lifecycle::plan::{Plan, Step};
use crate::observe::{self, Name};
use crate::record::Record;
use crate::request::{Realm, Slot};
use crate::schema::{SessionData, Snapshot};
use crate::store::{StoreError, to_its_end};

/// A session that outlives its request: for a WebSocket, an event stream or a task.
///
/// It holds no value and no lock. [`load`](Self::load) reads the view as it is stored now.
/// [`update`](Self::update) changes it in one operation of its own, which the next request sees.
/// [`watch`](Self::watch) reports changes and the end. Clones are handles of the same session.
///
/// ```
/// use starsessions::{Detached, Session, SessionError};
///
/// #[derive(Session)]
/// struct Shop {
///     cart: Vec<String>,
/// }
///
/// async fn import(shop: Session<Shop>) -> Result<&'static str, SessionError> {
///     let shop = shop.detach()?;
///     tokio::spawn(async move {
///         let article = "tea".to_owned(); // .. after a while
///         if let Err(error) = shop.update(|shop| shop.cart.push(article)).await {
///             tracing::warn!(%error, "the article is not in the cart");
///         }
///     });
///     Ok("on its way")
/// }
/// ```
///
/// # What happens to it meanwhile
/// - **Logout, revocation, expiry:** [`SessionError::Gone`] from then on. An open socket is not
///   activity: without [`touch`](Self::touch) the session ends when its browser is idle.
/// - **A sign-in, or any other change of a `rotate` field:** `Gone` as well. An earlier holder
///   of the session, such as an attacker who planted its cookie, does not keep access.
/// - **A renewal of the id:** the handle continues under the new id. If another process renews the id, the handle must
///   be used or [watched](Watch) within the grace of the old id; otherwise the handle ends.
/// - **A proof that runs out:** if the session is [bound to a device](crate::docs::device_binding), each [`Watch`] of
///   the handle ends with the proof of the request, so that a copy of its cookies follows the session no longer than
///   that. The browser opens a new connection with a fresh proof. `load` and `update` still work.
pub struct Detached<T: SessionData> {
    pub(super) held: Arc<Held>,
    view: PhantomData<fn() -> T>,
}

/// The shared part of a handle's clones.
pub(super) struct Held {
    pub(super) realm: Arc<Realm>,
    pub(super) watched: Arc<Watched>,
    #[cfg(feature = "dbsc")]
    proved_at: Timestamp,
}

impl<T: SessionData> Session<T> {
    /// A handle of this session that outlives the response.
    ///
    /// The handle sees what is stored: this request's changes only after their commit.
    ///
    /// # Errors
    /// [`SessionError::Detach`] if nothing is stored yet, the id is about to change or the session is in
    /// its cookie; [`SessionError::Gone`] if it has ended; [`SessionError::Closed`] if the response has
    /// left.
    pub fn detach(&self) -> Result<Detached<T>, SessionError> {
        Detached::from_slot(&self.slot)
    }
}

impl CurrentSession {
    /// A handle of this session that outlives the response.
    ///
    /// # Errors
    /// As for [`Session::detach`], and if the store fails or `T` is of another realm.
    pub async fn detach<T: SessionData>(&self) -> Result<Detached<T>, SessionError> {
        self.slot.serves(T::SCHEMA)?;
        self.slot.ready(None).await?;
        #[cfg(feature = "dbsc")]
        self.slot.demand(T::SCHEMA)?;
        Detached::from_slot(&self.slot)
    }
}

impl<T: SessionData> Detached<T> {
    fn from_slot(slot: &Slot) -> Result<Self, SessionError> {
        let realm = Arc::clone(slot.realm());
        let Some(watchers) = realm.engine.watchers() else {
            return Err(DetachError::InCookie.into());
        };
        let token = slot.lasting_token()?;
        realm.engine.observer().detached(Name::Token(&token));
        let watched = watchers.add(token);
        Ok(Self {
            held: Arc::new(Held {
                realm,
                watched,
                #[cfg(feature = "dbsc")]
                proved_at: slot.proved_at(),
            }),
            view: PhantomData,
        })
    }

    /// The view as it is stored now. Does not count as activity.
    ///
    /// # Errors
    /// [`SessionError::Gone`] if the session has ended or a required field is missing;
    /// [`SessionError::Unavailable`] if the store fails.
    pub async fn load(&self) -> Result<T, SessionError> {
        let now = self.held.now();
        let live = self.held.live(now).await?;
        self.read(&live.record, now).ok_or(SessionError::Gone)
    }

    /// Reads the view as it is stored now, changes it, and writes the fields that differ, in one
    /// operation. Does not count as activity.
    ///
    /// The closure runs once. Concurrent changes are merged by the rules of the fields, as between two
    /// requests: declare `merge` for a field that must not be overwritten.
    ///
    /// ```
    /// # use starsessions::{Detached, Session, SessionError};
    /// # #[derive(Session)]
    /// # struct Shop { cart: Vec<String> }
    /// async fn buy(shop: &Detached<Shop>) -> Result<usize, SessionError> {
    ///     shop.update(|shop| {
    ///         shop.cart.push("tea".to_owned());
    ///         shop.cart.len()
    ///     })
    ///     .await
    /// }
    /// ```
    ///
    /// # Errors
    /// As for [`load`](Self::load) and for [`Session::commit`]; [`SessionError::Detach`] if a `rotate`
    /// field changes. Then nothing is written.
    ///
    /// # Cancel safety
    /// When the future is dropped, either all changes are stored or none.
    pub async fn update<R>(&self, change: impl FnOnce(&mut T) -> R) -> Result<R, SessionError> {
        let now = self.held.now();
        let live = self.held.live(now).await?;
        let read = self.held.realm.read_view::<T>(Some(&live.record), now);
        let (mut view, is_refused) = read.map_err(|_| SessionError::Gone)?;
        let mut baseline = Snapshot::take(&view, live.record.size());
        let result = change(&mut view);
        let checks = self.held.realm.engine.policy().checks();
        let changed = baseline.changes_of(&view, is_refused, checks)?;
        drop(view);
        if changed.is_empty() {
            return Ok(result);
        }
        let mut changes = Changes::default();
        changes.extend(&changed, (Some(&live.record), now), None)?;
        if changes.rotate(&live.record) {
            return Err(DetachError::NewId.into());
        }
        let plan = Plan {
            changes,
            ..Plan::new(Step::Commit, now)
        };
        self.held.carry_out(live, plan).await?;
        Ok(result)
    }

    /// Records activity of the user, as a request does: moves the idle deadlines of the session and of
    /// this view's fields, at most once in a tenth of the timeout or a minute. Call it when the user
    /// has done something, not for a ping.
    ///
    /// It cannot extend a persistent cookie in the browser: that needs a request.
    ///
    /// # Errors
    /// As for [`load`](Self::load).
    pub async fn touch(&self) -> Result<(), SessionError> {
        let now = self.held.now();
        let live = self.held.live(now).await?;
        let policy = self.held.realm.engine.policy();
        let due = policy.due(&live.record, &[T::SCHEMA], now);
        if due.is_none() {
            return Ok(());
        }
        let plan = Plan {
            due,
            is_passive: false,
            ..Plan::new(Step::Touch, now)
        };
        self.held.carry_out(live, plan).await
    }

    /// Follows the changes of the view, and the end of the session.
    #[must_use]
    pub fn watch(&self) -> Watch<T> {
        Watch::new(self.clone(), self.held.watched.news())
    }

    /// The view in a record; `None` if a required field is missing.
    pub(super) fn read(&self, record: &Record, now: Timestamp) -> Option<T> {
        let read = self.held.realm.read_view(Some(record), now);
        read.ok().map(|(view, _)| view)
    }

    /// The session as it is stored now, loaded when it is this handle's turn.
    pub(super) async fn look(&self) -> Result<Option<Live>, StoreError> {
        let engine = &self.held.realm.engine;
        engine.look_in_turn(&self.held.watched).await
    }

    /// Whether the proof with which the handle was made is still valid.
    #[cfg(feature = "dbsc")]
    pub(super) fn may_follow(&self, record: &Record, now: Timestamp) -> bool {
        let rules = self.held.realm.device.as_ref();
        let (proved_at, is_marked) = (self.held.proved_at, T::SCHEMA.bound);
        rules.is_none_or(|rules| rules.may_follow(record, proved_at, is_marked, now))
    }
}

impl Held {
    fn now(&self) -> Timestamp {
        self.realm.engine.now()
    }

    async fn live(&self, now: Timestamp) -> Result<Live, SessionError> {
        let live = self.realm.engine.look(&self.watched, now).await?;
        live.ok_or(SessionError::Gone)
    }

    async fn carry_out(self: &Arc<Self>, live: Live, plan: Plan) -> Result<(), SessionError> {
        let live = Some(live);
        let work = Work { live, plan };
        if !self.realm.engine.counts(&work.plan.changes) {
            return self.carry_out_here(work).await;
        }
        // A sign-in that has begun runs to its end and is counted, even if the caller is dropped.
        let held = Arc::clone(self);
        to_its_end(async move { held.carry_out_here(work).await }).await
    }

    async fn carry_out_here(&self, mut work: Work) -> Result<(), SessionError> {
        let seen = work.live.as_ref().and_then(Live::row_key);
        let done = self.realm.engine.execute(&mut work).await?;
        if let Some(error) = done.untouched {
            return Err(error.into());
        }
        let live = work.live.filter(|_| !done.is_gone);
        let live = live.ok_or(SessionError::Gone)?;
        if let (Some(watchers), Some(seen)) = (self.realm.engine.watchers(), seen) {
            watchers.follow(&self.watched, &seen, &live);
        }
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(watchers) = self.realm.engine.watchers() {
            watchers.remove(&self.watched);
            observe::released();
        }
    }
}

impl<T: SessionData> Clone for Detached<T> {
    fn clone(&self) -> Self {
        Self {
            held: Arc::clone(&self.held),
            view: PhantomData,
        }
    }
}

impl<T: SessionData> fmt::Debug for Detached<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Detached<{}>(..)", T::SCHEMA.type_name)
    }
}
