//! The settings of a binding.

use std::time::Duration;

use bytes::Bytes;

use super::error::DeviceBindingError;
use super::{Bodies, DeviceRules};
use crate::cookie::{CookieBuilder, CookieConfig};

/// How sessions are bound to a key of the browser's device; see [`docs::device_binding`](crate::docs::device_binding).
///
/// ```
/// use std::time::Duration;
/// use starsessions::config::Unbound;
/// use starsessions::{KeyRing, MemoryStore, SessionLayer};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let layer = SessionLayer::builder(MemoryStore::new(), KeyRing::generate()?)
///     .device_bound(|device| {
///         device
///             .life(Duration::from_secs(5 * 60))
///             .exclude("/assets")
///             .unbound(Unbound::Refused)
///     })
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "settings do nothing until a layer is built with them"]
pub struct DeviceBinding {
    paths: Option<[String; 2]>,
    cookie: Option<String>,
    pub(super) life: Duration,
    pub(crate) unbound: Unbound,
    pub(crate) proven: Proven,
    /// Whether sessions without a privilege are bound.
    pub(crate) guests: bool,
    pub(super) excluded: Vec<String>,
    pub(super) initiators: Vec<String>,
    pub(super) bodies: Bodies,
}

/// How a view that is marked `bound` treats a session without a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unbound {
    /// The view accepts the session: most browsers cannot bind one.
    #[default]
    Allowed,
    /// The view refuses the session, from a minute after its id was issued: by then, a device could have been
    /// registered. A layer that [renews](crate::SessionLayerBuilder::renewal) ids by age does not build with this.
    Refused,
}

/// Where a bound session must be proved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Proven {
    /// Wherever it is used. In the ten seconds after a device was registered, views that are not marked `bound` accept
    /// requests without a proof, which may have been sent before.
    #[default]
    Everywhere,
    /// In views, lists and revocations of structs that are marked `bound`, and where the session would get a new id.
    /// Elsewhere, a copy of the session's cookie works as without a binding.
    InBoundViews,
}

impl DeviceBinding {
    pub(crate) fn new() -> Self {
        let mut bodies = Bodies::default();
        #[cfg(feature = "axum")]
        bodies.add::<axum::body::Body>(axum::body::Body::from);
        bodies.add::<Bytes>(|bytes| bytes);
        Self {
            paths: None,
            cookie: None,
            life: Duration::from_secs(600),
            unbound: Unbound::default(),
            proven: Proven::default(),
            guests: true,
            excluded: Vec::new(),
            initiators: Vec::new(),
            bodies,
        }
    }

    /// The paths at which browsers register and refresh, by POST: `/dbsc/register` and `/dbsc/refresh` unless changed,
    /// with the name of a realm in between (`/dbsc/admin/register`). The layer itself answers there. Browsers see these
    /// paths, so put the layer around the outermost router. Each realm of a host needs paths of its own.
    pub fn paths(mut self, register: impl Into<String>, refresh: impl Into<String>) -> Self {
        self.paths = Some([register.into(), refresh.into()]);
        self
    }

    /// The name of the short cookie: `__Host-bound` unless changed, followed by the name of a realm
    /// (`__Host-bound-admin`). Its attributes are those of the session's own cookie. Each realm of a host needs a name
    /// of its own: with one name, each overwrites the proof of the other.
    pub fn cookie_name(mut self, name: impl Into<String>) -> Self {
        self.cookie = Some(name.into());
        self
    }

    /// How long a proof is valid: 10 minutes unless changed. This is the longest time for which copies of both cookies
    /// work.
    pub fn life(mut self, life: Duration) -> Self {
        self.life = life;
        self
    }

    /// Sets how a view that is marked `bound` treats a session without a device. Default: [`Unbound::Allowed`].
    pub fn unbound(mut self, unbound: Unbound) -> Self {
        self.unbound = unbound;
        self
    }

    /// Where a bound session must be proved. Default: [`Proven::Everywhere`].
    pub fn proven(mut self, proven: Proven) -> Self {
        self.proven = proven;
        self
    }

    /// Whether sessions without a privilege, which have no `rotate` field, are bound, too. Default: yes.
    pub fn guests(mut self, guests: bool) -> Self {
        self.guests = guests;
        self
    }

    /// Lets browsers request everything below this path without waiting for a refresh: for pictures, scripts and other
    /// files that use no session.
    pub fn exclude(mut self, path: impl Into<String>) -> Self {
        self.excluded.push(path.into());
        self
    }

    /// Makes browsers refresh before they follow a link from this host to the site, such as `www.example.com` or
    /// `*.example.com`. From other hosts they follow the link first, and get a page that loads itself again.
    pub fn initiator(mut self, host: impl Into<String>) -> Self {
        self.initiators.push(host.into());
        self
    }

    /// Sets how the layer makes a response body of this type, for an inner service whose body type is not axum's.
    ///
    /// ```
    /// # use bytes::Bytes;
    /// # use starsessions::config::DeviceBinding;
    /// # struct Full(Bytes);
    /// # fn set(device: DeviceBinding) -> DeviceBinding {
    /// device.body(|bytes| Full(bytes))
    /// # }
    /// ```
    pub fn body<B: 'static>(mut self, make: fn(Bytes) -> B) -> Self {
        self.bodies.add(make);
        self
    }

    /// Checks the settings against the session's own cookie, and makes the rules.
    pub(crate) fn build(
        mut self,
        realm: &str,
        session: &CookieBuilder,
        session_name: &str,
    ) -> Result<DeviceRules, DeviceBindingError> {
        if !session.is_of_one_host() {
            return Err(DeviceBindingError::SessionCookie);
        }
        let fits = |life: Duration| (LEAST_LIFE..=LONGEST_LIFE).contains(&life);
        if !fits(self.life) || self.life.subsec_nanos() != 0 {
            return Err(DeviceBindingError::Life);
        }
        let paths = self.paths.take();
        let [register, refresh] = paths.unwrap_or_else(|| default_paths(realm));
        for path in [&register, &refresh].into_iter().chain(&self.excluded) {
            check_path(path)?;
        }
        if register == refresh {
            return Err(DeviceBindingError::SamePath);
        }
        self.initiators.iter().try_for_each(|it| check_host(it))?;
        let name = self.cookie.take().unwrap_or_else(|| default_name(realm));
        let cookie = short_cookie(session.clone(), name, session_name)?;
        Ok(DeviceRules {
            register,
            refresh,
            cookie,
            settings: self,
        })
    }
}

/// Each realm of a host has its own paths and cookie.
fn default_paths(realm: &str) -> [String; 2] {
    let folder = if realm.is_empty() { "" } else { "/" };
    ["register", "refresh"].map(|errand| format!("/dbsc{folder}{realm}/{errand}"))
}

fn default_name(realm: &str) -> String {
    let hyphen = if realm.is_empty() { "" } else { "-" };
    format!("__Host-bound{hyphen}{realm}")
}

fn short_cookie(
    session: CookieBuilder,
    name: String,
    session_name: &str,
) -> Result<CookieConfig, DeviceBindingError> {
    let start = name.get(..HTTP_PREFIX.len());
    if start.is_some_and(|start| start.eq_ignore_ascii_case(HTTP_PREFIX)) {
        return Err(DeviceBindingError::HttpPrefix);
    }
    if name == session_name {
        return Err(DeviceBindingError::SameName);
    }
    let cookie = session.name(name).build();
    cookie.map_err(DeviceBindingError::Cookie)
}

/// Refuses a path that a header, JSON or a URL would have to escape.
fn check_path(path: &str) -> Result<(), DeviceBindingError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._~/".contains(c);
    let is_path = path.starts_with('/') && !path.starts_with("//") && path.chars().all(is_plain);
    if is_path && path.len() <= LONGEST_PATH {
        return Ok(());
    }
    Err(DeviceBindingError::Path(path.to_owned()))
}

fn check_host(host: &str) -> Result<(), DeviceBindingError> {
    let name = host.strip_prefix("*.").unwrap_or(host);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let is_label = |label: &str| !label.is_empty() && label.chars().all(is_plain);
    if name.len() <= LONGEST_HOST && name.split('.').all(is_label) {
        return Ok(());
    }
    Err(DeviceBindingError::Initiator(host.to_owned()))
}

/// Chromium, when tested, refused a credential whose name begins so.
const HTTP_PREFIX: &str = "__Host-Http-";
const LEAST_LIFE: Duration = Duration::from_secs(5 * 60);
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 3_600);
const LONGEST_PATH: usize = 256;
/// RFC 1035, section 2.3.4.
const LONGEST_HOST: usize = 253;
