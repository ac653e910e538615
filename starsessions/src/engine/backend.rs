//! Sessions that are their cookie: nothing is stored on the server.

use std::fmt;
use std::time::Duration;

use super::timed::TimedStore;
use super::{ClientSide, CookieMode, Place, ServerSide, Vault, Watchers};
use crate::store::Store;

/// Keeps each session inside its own cookie.
///
/// The record is encrypted with XChaCha20-Poly1305 ([`sealed`](Self::sealed)), or, as an explicit
/// choice for data that everybody may read, only signed with HMAC-SHA256 ([`signed`](Self::signed)).
/// The times that limit its life are inside what is authenticated.
///
/// What a cookie cannot do:
/// - Hold more than about 3 kB: a larger session is an error that names the size of each field.
/// - Merge: of two requests at once, the later cookie wins.
/// - End for good by itself: a copy of the cookie stays valid until it expires. Give it a
///   [revocation list](Self::revoked_in), or take `Sessions<Unrevocable>`, which has no `destroy`.
///
/// ```
/// use starsessions::{CookieStore, KeyRing, MemoryStore, SessionLayer};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = CookieStore::sealed().revoked_in(MemoryStore::new());
/// let layer = SessionLayer::new(store, KeyRing::generate()?);
/// # Ok(())
/// # }
/// ```
pub struct CookieStore {
    mode: CookieMode,
    revocations: Option<TimedStore>,
}

impl CookieStore {
    /// Encrypts and authenticates.
    #[must_use]
    pub fn sealed() -> Self {
        Self {
            mode: CookieMode::Sealed,
            revocations: None,
        }
    }

    /// Authenticates only: whoever holds the cookie can read the session. Never for personal data
    /// (NIST SP 800-63B-4, section 5.1.1).
    #[must_use]
    pub fn signed() -> Self {
        Self {
            mode: CookieMode::Signed,
            revocations: None,
        }
    }

    /// Remembers ended sessions in a store, until their cookies have expired. It is asked once for
    /// each request that uses its session.
    #[must_use]
    pub fn revoked_in(mut self, store: impl Store) -> Self {
        self.revocations = Some(TimedStore::new(store));
        self
    }
}

impl Place {
    pub(crate) fn set_store_timeout(&mut self, timeout: Duration) {
        let store = match self {
            Self::Server(server) => Some(&mut server.vault.store),
            Self::Client(client) => client.revocations.as_mut(),
        };
        if let Some(store) = store {
            store.set_timeout(timeout);
        }
    }

    /// Where sessions are cookies, nobody can watch them.
    pub(crate) fn set_watch_interval(&mut self, interval: Duration) {
        if let Self::Server(server) = self {
            server.watchers.interval = interval;
        }
    }
}

impl fmt::Debug for CookieStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieStore")
            .field("mode", &self.mode)
            .field("is_revocable", &self.revocations.is_some())
            .finish()
    }
}

/// What a [`SessionLayer`](crate::SessionLayer) can keep its sessions in: any [`Store`], or a
/// [`CookieStore`].
pub trait Backend: private::IntoBackend {}

impl<B: private::IntoBackend> Backend for B {}

pub(crate) mod private {
    use super::Place;

    #[expect(
        unnameable_types,
        reason = "how backends are made is this crate's affair"
    )]
    pub trait IntoBackend: 'static {
        #[doc(hidden)]
        fn into_backend(self) -> BackendParts;
    }

    /// A backend, and whether it can end a session for good.
    #[expect(
        unnameable_types,
        reason = "how backends are made is this crate's affair"
    )]
    pub struct BackendParts(pub(crate) Place);

    impl std::fmt::Debug for BackendParts {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("BackendParts(..)")
        }
    }
}

impl<S: Store> private::IntoBackend for S {
    fn into_backend(self) -> private::BackendParts {
        private::BackendParts(Place::Server(ServerSide {
            vault: Vault::new(TimedStore::new(self)),
            watchers: Watchers::default(),
        }))
    }
}

impl private::IntoBackend for CookieStore {
    fn into_backend(self) -> private::BackendParts {
        private::BackendParts(Place::Client(ClientSide {
            mode: self.mode,
            revocations: self.revocations,
            // Known when the layer is built.
            cookie_name: String::new(),
            audience: String::new(),
        }))
    }
}
