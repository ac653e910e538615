//! A typed view of the request's session.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use http::HeaderMap;

use super::original::Original;
use super::{CurrentSession, SessionRejection};
use crate::crypto::Fingerprint;
use crate::error::SessionError;
use crate::observe;
use crate::record::Record;
use crate::request::{Seen, Slot};
use crate::schema::{ChangedFields, Collect, Schema, SessionData, Snapshot};

/// A typed view of the request's session.
///
/// It dereferences to the struct, whose fields are read and written as fields. Reading changes
/// nothing. After a mutation, however deep, the fields whose encoded value differs are handed to
/// the request when the view is dropped, and written in one operation before the response leaves.
///
/// A view of one request does not see another view's changes until that one is dropped or
/// [flushed](Self::flush). The changes then merge by the fields' rules, like those of two requests.
///
/// `Session` is not a tuple struct, because it tracks changes: take `login: Session<Login>`, not
/// `Session(login): Session<Login>`. A struct that is `Clone` can be taken out with
/// [`into_inner`](Self::into_inner).
///
/// As an axum handler argument it is rejected if a `required` field is missing. `Option<Session<T>>` is
/// then `None`, and `Result<Session<T>, SessionRejection>` leaves the decision to the handler.
///
/// ```
/// use starsessions::Session;
///
/// #[derive(Session)]
/// struct Shop {
///     cart: Vec<String>,
///     #[session(merge = sum)]
///     views: u64,
/// }
///
/// async fn add(mut shop: Session<Shop>) -> usize {
///     shop.cart.push("tea".to_owned());
///     shop.views += 1;
///     shop.cart.len()
/// }
/// # #[cfg(feature = "testing")]
/// # async fn test() {
/// assert_eq!(add(Session::for_test(Shop { cart: vec![], views: 0 })).await, 1);
/// # }
/// ```
///
/// The methods of `Session`, such as [`commit`](Self::commit), [`flush`](Self::flush), [`reload`](Self::reload) and
/// [`current`](Self::current), hide methods of the struct with the same name; call those by a dereference:
///
/// ```
/// # use starsessions::Session;
/// #[derive(Session)]
/// struct Wizard {
///     step: u32,
/// }
///
/// impl Wizard {
///     fn current(&self) -> u32 {
///         self.step + 1
///     }
/// }
///
/// async fn page(wizard: Session<Wizard>) -> String {
///     format!("Step {}", (*wizard).current())
/// }
/// ```
pub struct Session<T: SessionData> {
    pub(super) value: T,
    /// The encoding of the fields before the first mutation.
    baseline: Option<Snapshot>,
    original: Original,
    pub(super) seen: Seen,
    pub(super) slot: Arc<Slot>,
}

impl<T: SessionData> Session<T> {
    pub(crate) async fn load(
        slot: Arc<Slot>,
        headers: Option<&HeaderMap>,
    ) -> Result<Self, SessionRejection> {
        ready(&slot, headers, T::SCHEMA).await?;
        Self::of(slot)
    }

    #[inline]
    pub(crate) fn of(slot: Arc<Slot>) -> Result<Self, SessionRejection> {
        let (value, seen) = Self::read(&slot)?;
        Ok(Self::new(value, seen, slot))
    }

    #[inline]
    pub(crate) fn new(value: T, seen: Seen, slot: Arc<Slot>) -> Self {
        Self {
            original: Original::of(&value),
            value,
            baseline: None,
            seen,
            slot,
        }
    }

    #[inline]
    fn read(slot: &Slot) -> Result<(T, Seen), SessionRejection> {
        slot.view()
            .map_err(|absent| SessionRejection::absent(T::SCHEMA, absent.field).answering(slot))
    }

    /// Writes every change of this request so far, and reports the outcome.
    ///
    /// # Errors
    /// - [`SessionError::Conflict`]: a concurrent change of another request cannot be merged with this request's
    ///   changes.
    /// - [`SessionError::Gone`]: the session has ended since it was loaded.
    /// - [`SessionError::Unavailable`]: the store failed.
    /// - the others: a value cannot be stored.
    ///
    /// After an error the changes are dropped, also those that the request's other views have handed over, and the end
    /// of the request does not try again. If the handler answers with the error, changes in views that it still holds
    /// are dropped, too. If a value cannot be stored, the view's `commit = always` fields are still written if
    /// possible.
    ///
    /// # Cancel safety
    /// When the future is dropped, either all changes are stored or none. Poll the future to its end, or drop it: the
    /// response waits up to a minute for a future that is kept.
    pub async fn commit(&mut self) -> Result<(), SessionError> {
        if let Err(error) = self.flush() {
            self.flush_always();
            self.slot.fail(T::SCHEMA.type_name, error);
        }
        self.slot.commit().await
    }

    /// Hands the changes so far to the request, where later views see them.
    ///
    /// # Errors
    /// If a value cannot be stored, or cannot be merged with another view's change. Then none of
    /// this view's changes are taken; correct them and flush again, or [reload](Self::reload).
    /// Otherwise the drop of the view tries them again.
    pub fn flush(&mut self) -> Result<(), SessionError> {
        let changed = self.flush_changes()?;
        self.seen.go_on_from(&changed, self.slot.now());
        Ok(())
    }

    /// Hands the changes over, and returns them.
    fn flush_changes(&mut self) -> Result<ChangedFields, SessionError> {
        let Some(mut baseline) = self.baseline.take() else {
            return Ok(ChangedFields::default());
        };
        let checks = self.slot.realm().engine.policy().checks();
        let changed = baseline.changes_of(&self.value, self.seen.is_refused, checks);
        let result = self.hand_over(changed);
        match result {
            Ok(_) => self.original = Original::of(&self.value),
            Err(_) => self.baseline = Some(baseline),
        }
        result
    }

    /// Hands over the `commit = always` fields, if they can be stored. Other changes are dropped.
    fn flush_always(&mut self) {
        let Some(mut baseline) = self.baseline.take() else {
            return;
        };
        self.original = Original::of(&self.value);
        let checks = self.slot.realm().engine.policy().checks();
        let changed = baseline.changes(&self.value, Collect::Always, checks);
        match self.hand_over(changed) {
            Ok(changed) => self.seen.go_on_from(&changed, self.slot.now()),
            Err(error) => observe::nothing_kept(T::SCHEMA.type_name, &error),
        }
    }

    /// Gives the request these changes and returns them.
    fn hand_over(
        &self,
        changed: Result<ChangedFields, SessionError>,
    ) -> Result<ChangedFields, SessionError> {
        let changed = changed?;
        self.slot.hand_over(&self.seen, &changed, T::SCHEMA)?;
        Ok(changed)
    }

    /// A panicking handler keeps only its `commit = always` fields, because its other changes may be
    /// incomplete. Encoding incomplete values may panic, and a second panic would abort the process.
    fn save_from_panic(&mut self) {
        if T::SCHEMA.fields.iter().any(|spec| spec.commit_always) {
            let flush = AssertUnwindSafe(|| self.flush_always());
            let _ = std::panic::catch_unwind(flush);
        }
    }

    /// The response has left, so the change cannot be written any more.
    fn report_loss(&self) {
        let reporter = &self.slot.realm().reporter;
        reporter.late_change(T::SCHEMA.type_name);
    }

    /// Loads the session from the store again, and reads the fields from it. Changes that this view has
    /// not flushed are dropped.
    ///
    /// # Errors
    /// As when the view was extracted.
    pub async fn reload(&mut self) -> Result<(), SessionRejection> {
        // The changes are dropped even if the load fails.
        (self.baseline, self.original) = (None, Original::default());
        let failed = |error| SessionRejection::failed(T::SCHEMA, error).answering(&self.slot);
        self.slot.refresh().await.map_err(failed)?;
        ready(&self.slot, None, T::SCHEMA).await?;
        (self.value, self.seen) = Self::read(&self.slot)?;
        self.original = Original::of(&self.value);
        Ok(())
    }

    /// An untracked copy of the struct: to take apart, to return, or to move into a task that only reads.
    /// Changes so far are saved, as always; changes of the copy are not.
    ///
    /// ```
    /// # use starsessions::Session;
    /// #[derive(Clone, Session)]
    /// struct Login {
    ///     #[session(required, rotate)]
    ///     user: u64,
    /// }
    ///
    /// async fn report(login: Session<Login>) {
    ///     let Login { user } = login.into_inner();
    ///     tokio::spawn(async move { println!("user {user}") });
    /// }
    /// ```
    #[must_use = "to let go of a view, drop it"]
    pub fn into_inner(self) -> T
    where
        T: Clone,
    {
        self.value.clone()
    }

    /// The log's name for the session; `None` if none is stored yet. For the application's own log and spans.
    #[must_use]
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.slot.fingerprint()
    }

    /// The whole session that this is a view of.
    ///
    /// Take a view with `flash` fields as a handler argument, or from a [`CurrentSession`] that is a handler
    /// argument: only the request says whether the response may be shown.
    #[must_use]
    pub fn current(&self) -> CurrentSession {
        CurrentSession::new(Arc::clone(&self.slot))
    }
}

/// Loads the session for a view. Not generic, so that it is compiled once for all views.
pub(crate) async fn ready(
    slot: &Slot,
    headers: Option<&HeaderMap>,
    schema: &'static Schema,
) -> Result<(), SessionRejection> {
    let failed = |error| SessionRejection::failed(schema, error).answering(slot);
    slot.ready_to_read(headers).await.map_err(failed)?;
    #[cfg(feature = "dbsc")]
    slot.demand(schema).map_err(failed)?;
    Ok(())
}

impl<T: SessionData> Deref for Session<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: SessionData> DerefMut for Session<T> {
    fn deref_mut(&mut self) -> &mut T {
        if self.baseline.is_none() {
            self.original.compare(&self.value, &self.slot);
            let record = self.seen.record.as_ref();
            let size = record.map_or(0, Record::packed_size);
            self.baseline = Some(Snapshot::take(&self.value, size));
        }
        &mut self.value
    }
}

impl<T: SessionData> Drop for Session<T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            // The values are not encoded to see whether they differ: that may panic as well.
            if self.baseline.is_some() && self.slot.is_closed() {
                return self.report_loss();
            }
            return self.save_from_panic();
        }
        if self.baseline.is_none() {
            self.original.compare(&self.value, &self.slot);
        }
        self.slot.explain_overlooked(T::SCHEMA, &self.seen);
        match self.flush_changes() {
            Ok(_) => {}
            Err(SessionError::Closed) => self.report_loss(),
            Err(error) => {
                self.flush_always();
                if !self.slot.fail(T::SCHEMA.type_name, error) {
                    self.report_loss();
                }
            }
        }
    }
}

/// Shows the fields, except the values of those marked `secret`.
impl<T: SessionData> fmt::Debug for Session<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct(T::SCHEMA.type_name);
        self.value.debug_fields(&mut out);
        out.finish()
    }
}
