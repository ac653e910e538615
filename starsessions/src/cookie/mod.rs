//! The session cookie on the wire, in both directions.

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic
)]

mod check;
mod error;
mod parse;
mod write;

pub use error::CookieConfigError;
pub(crate) use parse::{Candidates, Values, beginning_with, candidates};

/// A cookie that browsers accept, ready to be written.
#[derive(Clone, Debug)]
pub(crate) struct CookieConfig {
    settings: CookieBuilder,
    /// `name=`
    before: String,
    /// `; HttpOnly; ..`
    after: String,
}

impl CookieConfig {
    pub(crate) fn name(&self) -> &str {
        &self.settings.name
    }

    /// The attributes behind the value in `Set-Cookie`.
    #[cfg(feature = "dbsc")]
    pub(crate) fn attributes(&self) -> &str {
        self.after.trim_start_matches("; ")
    }

    /// Whether there is one cookie for each embedding site.
    pub(crate) fn is_partitioned(&self) -> bool {
        self.settings.partitioned
    }

    /// Whether browsers keep and send it over https only.
    pub(crate) fn is_secure(&self) -> bool {
        self.settings.secure
    }

    /// The cross-site requests with which browsers send the cookie.
    pub(crate) fn same_site(&self) -> SameSite {
        self.settings.same_site
    }

    /// Whether the cookie outlives the browser's own session.
    pub(crate) fn is_persistent(&self) -> bool {
        self.settings.persistent
    }
}

/// When browsers send the cookie with requests that other sites cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SameSite {
    /// With links to this site, but not with forms, frames or scripts of other sites.
    #[default]
    Lax,
    /// Always; needs `Secure`, and protection against request forgery.
    None,
    /// Never, not even with a link to this site: the first page after such a link sees no session.
    Strict,
}

/// The name and the attributes of the session cookie: the argument of
/// [`SessionLayerBuilder::cookie`](crate::SessionLayerBuilder::cookie).
///
/// A layer whose cookie browsers would ignore does not build. `HttpOnly` is always set, so no script
/// reads the cookie (ASVS 3.3.4), and `SameSite` is always explicit (RFC 6265bis section 5.6.7.2).
///
/// The default is `__Host-Http-id; Secure; HttpOnly; SameSite=Lax; Path=/`: no other host, no plain
/// connection and no script can set or change it (ASVS 3.3.1 to 3.3.4).
///
/// ```
/// use starsessions::{KeyRing, MemoryStore, SameSite, SessionLayer};
///
/// let layer = SessionLayer::builder(MemoryStore::new(), KeyRing::generate()?)
///     .cookie(|cookie| cookie.same_site(SameSite::Strict).persistent(true))
///     .build()?;
/// # let _ = layer;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "it is the argument of `SessionLayerBuilder::cookie`"]
pub struct CookieBuilder {
    name: String,
    path: String,
    domain: Option<String>,
    same_site: SameSite,
    secure: bool,
    partitioned: bool,
    persistent: bool,
}

impl CookieBuilder {
    /// A cookie named `starsessions-dev` that also works over plain HTTP, for developers' machines only: on a network,
    /// every machine on the path can read and replace it. Browsers share cookies between all ports of a host, so the
    /// name is one that no other application uses.
    pub fn local_development() -> Self {
        Self::default().name("starsessions-dev").secure(false)
    }

    /// The name; `__Host-Http-id` unless changed.
    ///
    /// Browsers enforce a prefix: `__Host-` needs `Secure`, `Path=/` and no domain, `__Secure-` and `__Http-` need
    /// `Secure` (RFC 6265bis section 4.1.3). A cookie without a prefix can be overwritten by any sibling domain, and by
    /// an attacker on any plain-HTTP connection.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The path below which browsers send the cookie; `/` unless changed. The path is no protection: pages under
    /// different paths of one host can read each other.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Sends the cookie to this domain and all hosts below it, instead of to this host only. Each of these hosts can
    /// then steal and replace sessions.
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// When browsers send the cookie with requests that other sites cause.
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }

    /// Whether browsers send the cookie over TLS only; yes unless changed. Without TLS, use a name without a prefix,
    /// and read [`local_development`](Self::local_development).
    pub fn secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    /// Makes browsers keep one cookie for each top-level site that embeds this one (CHIPS). An embedded site also needs
    /// [`SameSite::None`].
    pub fn partitioned(mut self, partitioned: bool) -> Self {
        self.partitioned = partitioned;
        self
    }

    /// Whether the cookie outlives the browser's own session, up to the session's end or 400 days; no unless changed
    /// (NIST SP 800-63B-4 section 5.1).
    pub fn persistent(mut self, persistent: bool) -> Self {
        self.persistent = persistent;
        self
    }

    /// Whether browsers send the cookie over https only, to one host and all of its paths, in one partition.
    #[cfg(feature = "dbsc")]
    pub(crate) fn is_of_one_host(&self) -> bool {
        self.secure && self.path == "/" && self.domain.is_none() && !self.partitioned
    }

    /// The configuration, if browsers accept it.
    pub(crate) fn build(mut self) -> Result<CookieConfig, CookieConfigError> {
        if let Some(domain) = &mut self.domain {
            domain.make_ascii_lowercase();
        }
        check::check(&self)?;
        Ok(self.build_unchecked())
    }

    /// The configuration of settings that are known to be good.
    pub(crate) fn build_unchecked(self) -> CookieConfig {
        let (before, after) = write::around_the_value(&self);
        CookieConfig {
            settings: self,
            before,
            after,
        }
    }
}

impl Default for CookieBuilder {
    fn default() -> Self {
        Self {
            name: "__Host-Http-id".to_owned(),
            path: "/".to_owned(),
            domain: None,
            same_site: SameSite::default(),
            secure: true,
            partitioned: false,
            persistent: false,
        }
    }
}
