//! Sessions in their cookies: nothing is stored on the server.

use std::fmt;

use super::{ErasedStore, Store};

/// Keeps each session inside its own cookie.
///
/// The record is encrypted with XChaCha20-Poly1305 ([`sealed`](Self::sealed)), or, as an explicit
/// choice for data that any reader may see, only signed with HMAC-SHA256 ([`signed`](Self::signed)).
/// The times that limit the session are authenticated as well.
///
/// What a cookie cannot do:
/// - Hold more than about 3 kB: a larger session is an error that names the size of each field.
/// - Merge: after two concurrent requests, the later cookie wins.
/// - End for good by itself: a copy of the cookie stays valid until it expires. Without a
///   [revocation list](Self::revoked_in), [`destroy`](crate::CurrentSession::destroy) is an error, and
///   [`forget`](crate::CurrentSession::forget) only removes the browser's cookie.
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
    pub(crate) mode: CookieMode,
    /// Where ended sessions are remembered until they would have expired anyway.
    pub(crate) revocations: Option<ErasedStore>,
}

/// The protection of a cookie's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CookieMode {
    /// Encrypted and authenticated.
    Sealed,
    /// Authenticated; the holder of the cookie can read it.
    Signed,
}

impl CookieStore {
    /// Encrypts and authenticates.
    #[must_use]
    pub fn sealed() -> Self {
        Self::new(CookieMode::Sealed)
    }

    /// Authenticates only: the holder of the cookie can read the session. Never for personal data
    /// (NIST SP 800-63B-4, section 5.1.1).
    #[must_use]
    pub fn signed() -> Self {
        Self::new(CookieMode::Signed)
    }

    /// Remembers ended sessions in a store, until their cookies have expired. Each request that uses
    /// its session reads the store once. If the store forgets the end of a session, its cookie is valid again: for
    /// `RedisStore`, set `maxmemory-policy noeviction` on the server.
    #[must_use]
    pub fn revoked_in(mut self, store: impl Store) -> Self {
        self.revocations = Some(ErasedStore::new(store));
        self
    }

    fn new(mode: CookieMode) -> Self {
        let revocations = None;
        Self { mode, revocations }
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

/// A place where a [`SessionLayer`](crate::SessionLayer) can keep its sessions: any [`Store`], or a
/// [`CookieStore`].
pub trait Backend: private::IntoBackend {}

impl<B: private::IntoBackend> Backend for B {}

/// Where a layer keeps its sessions, before it has its keys.
pub(crate) use private::BackendKind;

pub(crate) mod private {
    use super::{CookieStore, ErasedStore, Store};

    #[expect(unnameable_types, reason = "an implementation detail of this crate")]
    pub trait IntoBackend: 'static {
        #[doc(hidden)]
        fn into_backend(self) -> BackendKind;
    }

    #[expect(
        unnameable_types,
        private_interfaces,
        reason = "an implementation detail of this crate"
    )]
    pub enum BackendKind {
        /// The cookie refers to a row of a store.
        Store(ErasedStore),
        /// The cookie is the session.
        Cookie(CookieStore),
    }

    crate::sentence::debug_as_name!(BackendKind);

    impl<S: Store> IntoBackend for S {
        fn into_backend(self) -> BackendKind {
            BackendKind::Store(ErasedStore::new(self))
        }
    }

    impl IntoBackend for CookieStore {
        fn into_backend(self) -> BackendKind {
            BackendKind::Cookie(self)
        }
    }
}
