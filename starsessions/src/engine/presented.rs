//! What the cookies of a request lead to, and which session among them is the request's.

use std::sync::Arc;

use super::client_side::SealedId;
use super::ending::Endable;
#[cfg(feature = "python")]
use super::shared::SharedId;
use crate::crypto::{KeyRing, ReferenceToken, RowKey};
use crate::observe::{Name, Refusal};
use crate::record::Record;
use crate::store::Row;

/// A session that this request may use.
#[derive(Clone, Debug)]
pub(crate) struct Live {
    pub(super) credential: Credential,
    pub(crate) record: Record,
    /// The credential is under a key that is not the active one, and is to be issued anew.
    pub(crate) is_outdated: bool,
    /// The browser does not have this credential yet: the request came with the previous one.
    pub(crate) is_unannounced: bool,
}

/// The credential that the browser presents for its session.
#[derive(Clone, Debug)]
pub(super) enum Credential {
    /// A token, and the row that it led to.
    Reference(Arc<ReferenceToken>, Row),
    Sealed(SealedId),
    #[cfg(feature = "python")]
    Shared(SharedId),
}

/// What the cookies of a request lead to.
#[derive(Debug)]
pub(crate) enum Presented {
    /// Nothing; `None` where there is no cookie.
    Nobody(Option<Refusal>),
    /// A session, and others that the request can only end.
    Live(Live, Vec<Endable>),
    /// Nothing that the request may use, but something that it can end.
    Former {
        ends: Vec<Endable>,
        /// A sign-in has ended the id recently, so the response with the new id may still be on its way.
        is_recent: bool,
    },
    /// Two cookies lead to two different sessions, one of which may be planted, or there are more
    /// cookies than are tried.
    Ambiguous(Vec<Endable>),
}

impl Presented {
    pub(super) fn former(token: Arc<ReferenceToken>, is_recent: bool) -> Self {
        Self::Former {
            ends: vec![Endable::Former(token)],
            is_recent,
        }
    }

    /// The result of several cookies together.
    pub(super) fn of_several(all: Vec<Self>) -> Self {
        let mut refusal = None;
        let mut lives: Vec<Live> = Vec::new();
        let (mut ends, mut is_recent) = (Vec::new(), false);
        for presented in all {
            match presented {
                Self::Live(live, more) => {
                    ends.extend(more);
                    // Two cookies of one session: an id in its grace and the next one, or two states of a session in
                    // its cookie.
                    match lives.iter_mut().find(|known| known.key() == live.key()) {
                        Some(known) => known.prefer(live),
                        None => lives.push(live),
                    }
                }
                Self::Former {
                    ends: more,
                    is_recent: also,
                } => {
                    ends.extend(more);
                    is_recent |= also;
                }
                Self::Ambiguous(more) => ends.extend(more),
                Self::Nobody(why) => refusal = why,
            }
        }
        match <[Live; 1]>::try_from(lives) {
            Ok([only]) => Self::Live(only, ends),
            Err(lives) if !lives.is_empty() => {
                Self::Ambiguous(lives.into_iter().map(Endable::Live).chain(ends).collect())
            }
            Err(_) if ends.is_empty() => Self::Nobody(refusal),
            Err(_) => Self::Former { ends, is_recent },
        }
    }

    /// The result if the request has more cookies than were tried.
    pub(crate) fn into_ambiguous(self) -> Self {
        Self::Ambiguous(match self {
            Self::Live(live, mut ends) => {
                ends.push(Endable::Live(live));
                ends
            }
            Self::Former { ends, .. } | Self::Ambiguous(ends) => ends,
            Self::Nobody(_) => Vec::new(),
        })
    }

    pub(super) fn live(self) -> Option<Live> {
        match self {
            Self::Live(live, _) => Some(live),
            _ => None,
        }
    }
}

impl Live {
    pub(crate) fn name<'a>(&'a self, keys: &'a KeyRing) -> Name<'a> {
        match &self.credential {
            Credential::Reference(token, _) => Name::Token(token),
            _ => Name::Row(keys, self.key()),
        }
    }

    /// The key that identifies the session: of its row, or of its tombstone.
    pub(crate) fn key(&self) -> RowKey {
        match &self.credential {
            Credential::Reference(token, _) => *token.row_key(),
            Credential::Sealed(id) => id.row_key(),
            #[cfg(feature = "python")]
            Credential::Shared(shared) => shared.id.row_key(),
        }
    }

    /// The token, if the session is in a store.
    pub(crate) fn token(&self) -> Option<&Arc<ReferenceToken>> {
        match &self.credential {
            Credential::Reference(token, _) => Some(token),
            _ => None,
        }
    }

    /// The token, and the row that it led to, if the session is in a store.
    pub(super) fn reference(&self) -> Option<(Arc<ReferenceToken>, &Row)> {
        match &self.credential {
            Credential::Reference(token, row) => Some((Arc::clone(token), row)),
            _ => None,
        }
    }

    /// The key of its row, if the session is in a store.
    pub(crate) fn row_key(&self) -> Option<RowKey> {
        self.token().map(|token| *token.row_key())
    }

    /// Keeps the cookie that is ahead: one that the browser has as it is, or that was used later.
    fn prefer(&mut self, other: Self) {
        if self.is_unannounced || self.record.last_seen_at < other.record.last_seen_at {
            *self = other;
        }
    }
}
