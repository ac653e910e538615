//! Lists the sessions of a user, and ends them from another session.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::sync::Arc;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::CurrentSession;
use crate::clock::Timestamp;
use crate::crypto::{PublicSessionId, ReferenceToken, RowKey};
use crate::engine::FoundSession;
use crate::error::{LimitKind, SessionError};
use crate::lifecycle::changes::Lookup;
use crate::lifecycle::label::{LABEL_LIMIT, LABEL_SPEC};
use crate::observe::EndCause;
use crate::record::{Encoded, Record};
use crate::request::Realm;
use crate::schema::Indexed;
use crate::sentence::debug_as_name;
use crate::store::to_its_end;
use crate::value;

/// One of a user's sessions, for a page that shows them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListedSession {
    /// Identifies the session in a form that ends it.
    pub id: PublicSessionId,
    /// When it began.
    pub created_at: Timestamp,
    /// The last request that used it, to within a tenth of the idle timeout and at most a minute.
    pub last_seen_at: Timestamp,
    /// When it ends if it is not used again.
    pub expires_at: Timestamp,
    /// Whether it has the remembered lifetime.
    pub remembered: bool,
    /// Whether only one device can use it.
    pub bound: bool,
    /// Whether it is the session of the request that asks.
    pub is_current: bool,
    label: Label,
}

/// Not shown by `Debug`, because it may be private.
#[derive(Clone, PartialEq, Eq)]
struct Label(Option<String>);

debug_as_name!(Label);

impl ListedSession {
    /// Its [label](CurrentSession::set_label).
    #[must_use]
    pub fn label(&self) -> Option<&str> {
        self.label.0.as_deref()
    }
}

/// For a page or an API that shows the session to its user; times are Unix seconds.
impl Serialize for ListedSession {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("ListedSession", 8)?;
        out.serialize_field("id", &self.id)?;
        out.serialize_field("created_at", &self.created_at)?;
        out.serialize_field("last_seen_at", &self.last_seen_at)?;
        out.serialize_field("expires_at", &self.expires_at)?;
        out.serialize_field("remembered", &self.remembered)?;
        out.serialize_field("bound", &self.bound)?;
        out.serialize_field("is_current", &self.is_current)?;
        out.serialize_field("label", &self.label.0)?;
        out.end()
    }
}

impl CurrentSession {
    /// Names the session, so that its user recognises it in a [list](CurrentSession::list): `Firefox on
    /// Linux`, for example. The label stays with the session, also under a new id. An empty label
    /// removes it.
    ///
    /// The user's other sessions can read the label; a reader of the store cannot. It takes effect if a
    /// session exists or this request begins one.
    ///
    /// # Errors
    /// [`SessionError::TooLarge`] if it has more than 256 bytes; if the response has left.
    pub fn set_label(&self, label: impl Into<String>) -> Result<(), SessionError> {
        let label: String = label.into();
        if label.len() > LABEL_LIMIT {
            return Err(SessionError::too_large(
                LimitKind::Label,
                label.len(),
                LABEL_LIMIT,
            ));
        }
        let value = (!label.is_empty()).then(|| Encoded::from(label.into_bytes()));
        self.slot.push_any([(&LABEL_SPEC, value)])
    }
}

/// Sessions with the same value in the field that is marked `index`. Each method asks the store at once, regardless of
/// the request's own changes.
///
/// ```
/// use starsessions::session::{ListedSession, PublicSessionId};
/// use starsessions::{CurrentSession, Session, SessionError};
///
/// #[derive(Session)]
/// struct Login {
///     #[session(required, rotate, index)]
///     user: u64,
/// }
///
/// async fn devices(session: CurrentSession) -> Result<Vec<ListedSession>, SessionError> {
///     session.list::<Login>().await
/// }
///
/// async fn end(session: CurrentSession, id: PublicSessionId) -> Result<(), SessionError> {
///     session.revoke::<Login>(id).await?;
///     Ok(())
/// }
///
/// async fn change_password(session: CurrentSession) -> Result<(), SessionError> {
///     session.revoke_others::<Login>().await?; // OWASP ASVS 7.4.3
///     session.rotate()
/// }
/// ```
impl CurrentSession {
    /// The live sessions with the same value in `T`'s indexed field as this one, this one included,
    /// the last used first. Empty if this session has no such value.
    ///
    /// # Errors
    /// If the store fails, the sessions are cookies, `T` is of another realm, or `T` is marked
    /// [`bound`](macro@crate::Session#bound) and the request has no proof of the device.
    pub async fn list<T: Indexed>(&self) -> Result<Vec<ListedSession>, SessionError> {
        self.proven_for::<T>().await?;
        let (own, record) = self.slot.own();
        let Some(lookup) = lookup_in::<T>(record.as_ref(), self.slot.now()) else {
            return Ok(Vec::new());
        };
        let listed = self.slot.realm().list(&lookup, own.as_ref()).await?;
        if own.is_none() || listed.iter().any(|session| session.is_current) {
            return Ok(listed);
        }
        // A request beside this one may have given the session a new id: it is still this one.
        self.slot.refresh().await?;
        let (own, _) = self.slot.own();
        self.slot.realm().list(&lookup, own.as_ref()).await
    }

    /// Ends one of the sessions that [`list`](Self::list) shows; returns whether it was there. If it is this
    /// session, its cookie is removed as well.
    ///
    /// # Errors
    /// As for [`list`](Self::list).
    pub async fn revoke<T: Indexed>(&self, id: PublicSessionId) -> Result<bool, SessionError> {
        self.proven_for::<T>().await?;
        let (_, record) = self.slot.own();
        match lookup_in::<T>(record.as_ref(), self.slot.now()) {
            Some(lookup) => self.end_one(lookup, id).await,
            // The request has several sessions and uses none, but the browser has proved that it holds them.
            None => {
                let is_meant = |key: &_, record: &_| id.means(&public_id_of(key, record));
                self.slot.destroy_if(is_meant)
            }
        }
    }

    /// The live sessions of a user who has proved their identity but is not signed in here yet: for a
    /// sign-in that [asks](crate::SessionLayerBuilder::sessions_per_user) which device should be signed
    /// out.
    ///
    /// # Errors
    /// If the store fails, the sessions are cookies, the value cannot be encoded, or `T` is of another realm.
    pub async fn list_of<T: Indexed>(
        &self,
        value: &T::Index,
    ) -> Result<Vec<ListedSession>, SessionError> {
        self.ready_for::<T>().await?;
        let (own, _) = self.slot.own();
        let lookup = lookup_of::<T>(value)?;
        self.slot.realm().list(&lookup, own.as_ref()).await
    }

    /// Ends one of the sessions that [`list_of`](Self::list_of) shows; returns whether it was there.
    ///
    /// # Errors
    /// As for [`list_of`](Self::list_of).
    pub async fn revoke_of<T: Indexed>(
        &self,
        value: &T::Index,
        id: PublicSessionId,
    ) -> Result<bool, SessionError> {
        self.ready_for::<T>().await?;
        self.end_one(lookup_of::<T>(value)?, id).await
    }

    async fn ready_for<T: Indexed>(&self) -> Result<(), SessionError> {
        self.slot.serves(T::SCHEMA)?;
        self.slot.ready(None).await
    }

    /// Like [`ready_for`](Self::ready_for); if `T` is marked `bound`, the device must have proved itself, as for a view.
    async fn proven_for<T: Indexed>(&self) -> Result<(), SessionError> {
        self.ready_for::<T>().await?;
        #[cfg(feature = "dbsc")]
        self.slot.demand(T::SCHEMA)?;
        Ok(())
    }

    async fn end_one(&self, lookup: Lookup, id: PublicSessionId) -> Result<bool, SessionError> {
        let realm = self.slot.realm();
        let (own, record) = self.slot.own();
        let own = own
            .zip(record)
            .map(|(key, record)| public_id_of(&key, &record));
        let is_own = match own.filter(|own| id.means(own)) {
            Some(own) => {
                id.is(&own) || {
                    // `means` may match by the second of the beginning alone: no listed session has exactly this id.
                    let listed = realm.list(&lookup, None).await?;
                    !listed.iter().any(|session| id.is(&session.id))
                }
            }
            None => false,
        };
        if is_own {
            // Before the store is asked: if the store fails now, the end of the request tries again.
            self.slot.destroy()?;
        }
        let is_ended = realm.revoke(lookup, Some(id)).await? > 0;
        if is_own && is_ended {
            self.slot.note_destroyed();
        }
        Ok(is_ended)
    }

    /// Ends all sessions that [`list`](Self::list) shows except this one; returns how many there were. For a
    /// change of password or of another factor (OWASP ASVS 7.4.3).
    ///
    /// # Errors
    /// As for [`list`](Self::list); [`SessionError::Gone`] if this one has ended meanwhile.
    pub async fn revoke_others<T: Indexed>(&self) -> Result<usize, SessionError> {
        self.proven_for::<T>().await?;
        // A request beside this one may have given the session a new id: it is still this one.
        self.slot.refresh().await?;
        if self.slot.has_ended() || self.slot.is_ambiguous() {
            // Returning 0 would leave a thief's session alone if the thief's request came first.
            return Err(SessionError::Gone);
        }
        let (_, record) = self.slot.own();
        let Some(lookup) = lookup_in::<T>(record.as_ref(), self.slot.now()) else {
            return Ok(0);
        };
        end(self.slot.realm(), lookup, self.slot.token(), |_| {}).await
    }
}

impl Realm {
    /// The search of a program that has no request at hand.
    pub(crate) fn lookup<T: Indexed>(&self, value: &T::Index) -> Result<Lookup, SessionError> {
        T::SCHEMA.is_served_by(&self.name)?;
        lookup_of::<T>(value)
    }

    /// Ends the sessions that a search finds, or one of them.
    pub(crate) async fn revoke(
        self: &Arc<Self>,
        lookup: Lookup,
        one: Option<PublicSessionId>,
    ) -> Result<usize, SessionError> {
        match one {
            Some(id) => end(self, lookup, None, only(id)).await,
            None => end(self, lookup, None, |_| {}).await,
        }
    }

    /// The sessions that a search finds, the last used first; `own` is that of the request.
    pub(crate) async fn list(
        &self,
        lookup: &Lookup,
        own: Option<&RowKey>,
    ) -> Result<Vec<ListedSession>, SessionError> {
        let now = self.engine.now();
        let found = self.engine.listing()?.sessions_of(lookup, now).await?;
        let listed = found.iter().map(|session| ListedSession {
            id: public_id_of(&session.key, &session.record),
            created_at: session.record.created_at,
            last_seen_at: session.record.last_seen_at,
            expires_at: session.record.expires_at,
            remembered: session.record.remembered,
            bound: session.card.is_bound,
            is_current: own == Some(&session.key),
            label: Label(session.label()),
        });
        let mut listed: Vec<_> = listed.collect();
        listed.sort_by_key(|session| Reverse((session.last_seen_at, session.created_at)));
        Ok(listed)
    }
}

async fn end(
    realm: &Arc<Realm>,
    lookup: Lookup,
    stays: Option<Arc<ReferenceToken>>,
    choose: impl FnMut(&mut Vec<FoundSession>) + Send + 'static,
) -> Result<usize, SessionError> {
    let realm = Arc::clone(realm);
    to_its_end(async move {
        let now = realm.engine.now();
        let server = realm.engine.listing()?;
        let stays = stays.as_deref();
        let ended = server.end_sessions_of(&lookup, stays, EndCause::Revoked, now, choose);
        ended.await
    })
    .await
}

/// Chooses one session, whose id may be renewed between rounds. If a session has exactly this id, the other sessions
/// that are there are not its successors.
fn only(id: PublicSessionId) -> impl FnMut(&mut Vec<FoundSession>) + Send + 'static {
    let mut others = None;
    move |found| {
        let id_of = |it: &FoundSession| public_id_of(&it.key, &it.record);
        let others = others.get_or_insert_with(|| {
            let (own, others): (Vec<_>, Vec<_>) = found.iter().partition(|it| id.is(&id_of(it)));
            let others = others.iter().filter(|_| !own.is_empty());
            others.map(|other| other.key).collect::<Vec<_>>()
        });
        found.retain(|it| id.means(&id_of(it)) && !others.contains(&it.key));
    }
}

/// The value in the session itself, if the field has not expired.
fn lookup_in<T: Indexed>(record: Option<&Record>, now: Timestamp) -> Option<Lookup> {
    let (_, field) = T::SPEC.find(record?)?;
    let lookup = || Lookup::new(T::SPEC, field.value.to_vec());
    field.is_live(now).then(lookup)
}

fn lookup_of<T: Indexed>(value: &T::Index) -> Result<Lookup, SessionError> {
    match T::COLUMN.encode(value) {
        Ok(value) => Ok(Lookup::new(T::SPEC, value)),
        Err(error) => Err(SessionError::value(T::SPEC.name, error)),
    }
}

/// The search of a program that does not know the struct.
pub(crate) fn lookup_named<V: Serialize + ?Sized>(
    field: &str,
    value: &V,
) -> Result<Lookup, SessionError> {
    match value::index_content(value) {
        Ok(value) => Ok(Lookup {
            name: Cow::Owned(field.to_owned()),
            aliases: &[],
            value,
        }),
        Err(error) => Err(SessionError::value("the value of an index", error)),
    }
}

fn public_id_of(key: &RowKey, record: &Record) -> PublicSessionId {
    PublicSessionId::new(key, record.created_at, record.issued_at)
}
