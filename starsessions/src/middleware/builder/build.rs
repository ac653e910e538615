//! Checks the settings against each other, and builds the layer.

use super::*;

impl SessionLayerBuilder {
    /// The layer.
    ///
    /// # Errors
    /// If the settings cannot work together.
    pub fn build(mut self) -> Result<SessionLayer, ConfigError> {
        self.check()?;
        let carriers = self.carriers().map_err(ConfigError::Transport)?;
        let pages = self.pages.take();
        let build = |cookie: CookieBuilder| cookie.build().map_err(ConfigError::Cookie);
        let cookie = build(self.cookie.clone())?;
        let twin = cookie
            .is_partitioned()
            .then(|| self.cookie.clone().partitioned(false));
        let former = self.former_cookie.clone().or(twin).map(build).transpose()?;
        #[cfg(feature = "dbsc")]
        let device = self.device_rules(&cookie)?;
        let mut realm = self.assemble(cookie, former);
        realm.carriers = carriers;
        #[cfg(feature = "dbsc")]
        {
            realm.device = device.map(Arc::new);
        }
        Ok(SessionLayer::from_realm(realm, pages))
    }

    /// The carriers of the token, if the other settings allow them.
    fn carriers(&self) -> Result<Carriers, TransportConfigError> {
        let carriers = self.transport.build()?;
        if carriers.header.is_none() {
            return Ok(carriers);
        }
        match &self.backend {
            Backing::Own(BackendKind::Store(_)) => {}
            Backing::Own(BackendKind::Cookie(_)) => return Err(TransportConfigError::CookieStore),
            #[cfg(feature = "python")]
            Backing::Python(_) => return Err(TransportConfigError::Python),
        }
        #[cfg(feature = "takeover")]
        if self.takeover.is_some() {
            return Err(TransportConfigError::TakeOver);
        }
        #[cfg(feature = "dbsc")]
        if self.device.is_some() && !carriers.has_cookie {
            return Err(TransportConfigError::DeviceBinding);
        }
        if self.former_cookie.is_some() && !carriers.has_cookie {
            return Err(TransportConfigError::FormerCookie);
        }
        Ok(carriers)
    }

    #[cfg(feature = "dbsc")]
    fn device_rules(&self, cookie: &CookieConfig) -> Result<Option<DeviceRules>, ConfigError> {
        let Some(device) = self.device.clone() else {
            return Ok(None);
        };
        if !matches!(self.backend, Backing::Own(BackendKind::Store(_))) {
            return Err(ConfigError::DeviceBinding(DeviceBindingError::Store));
        }
        if device.unbound == Unbound::Refused && self.policy.renewal.is_some() {
            return Err(ConfigError::DeviceBinding(DeviceBindingError::Renewal));
        }
        let rules = device.build(&self.realm, &self.cookie, cookie.name());
        rules.map(Some).map_err(ConfigError::DeviceBinding)
    }

    /// The layer, without checks: for defaults and presets only.
    pub(in crate::middleware) fn build_defaults(self) -> SessionLayer {
        let cookie = self.cookie.clone().build_unchecked();
        SessionLayer::from_realm(self.assemble(cookie, None), None)
    }

    fn check(&self) -> Result<(), ConfigError> {
        let policy = &self.policy;
        let lifetimes = [Some(policy.standard), policy.remembered];
        for lifetime in lifetimes.into_iter().flatten() {
            check_seconds("idle timeout", lifetime.idle)?;
            check_seconds("absolute timeout", lifetime.absolute)?;
            if lifetime.idle > lifetime.absolute {
                return Err(ConfigError::IdleOverAbsolute);
            }
            if lifetime.absolute > MAX_ABSOLUTE && !self.backend.is_shared() {
                return Err(ConfigError::AbsoluteTooLong);
            }
        }
        if policy
            .remembered
            .is_some_and(|long| long.absolute < policy.standard.absolute)
        {
            return Err(ConfigError::RememberedTooShort);
        }
        if let Some(age) = policy.renewal {
            check_seconds("renewal age", age)?;
            if age < MIN_RENEWAL || age >= policy.standard.absolute {
                return Err(ConfigError::Renewal);
            }
            if !self.backend.is_store() {
                return Err(ConfigError::RenewalOfCookies);
            }
        }
        check_seconds("renewal grace", policy.renewal_grace)?;
        if policy.renewal_grace > MAX_RENEWAL_GRACE {
            return Err(ConfigError::RenewalGrace);
        }
        let largest = policy.record_limit.min(crate::value::MAX_VALUE);
        if policy.field_limit == 0 || policy.field_limit > largest {
            return Err(ConfigError::FieldLimit);
        }
        if policy.record_limit > MAX_RECORD {
            return Err(ConfigError::RecordLimit);
        }
        if self.settings.store_timeout == Some(Duration::ZERO) {
            return Err(ConfigError::StoreTimeout);
        }
        if self.settings.watch_interval == Some(Duration::ZERO) {
            return Err(ConfigError::WatchInterval);
        }
        if let Some(limit) = self.settings.limit {
            if limit.max == 0 {
                return Err(ConfigError::SessionLimit);
            }
            if !self.backend.is_store() {
                return Err(ConfigError::SessionLimitOfCookies);
            }
        }
        #[cfg(feature = "takeover")]
        if self.takeover.is_some() && !self.backend.is_store() {
            return Err(ConfigError::TakeOverOfCookies);
        }
        let is_realm_char = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        if self.realm.len() > 64 || !self.realm.chars().all(is_realm_char) {
            return Err(ConfigError::Realm);
        }
        Ok(())
    }

    fn assemble(self, cookie: CookieConfig, former_cookie: Option<CookieConfig>) -> Realm {
        let is_revocable = match &self.backend {
            #[cfg(feature = "python")]
            Backing::Python(sessions) => !sessions.is_cookie(),
            Backing::Own(BackendKind::Store(_)) => true,
            Backing::Own(BackendKind::Cookie(store)) => {
                if store.mode == CookieMode::Signed {
                    tracing::warn!(
                        cookie = cookie.name(),
                        "sessions in this cookie are signed but not encrypted: the holder of the \
                         cookie can read them"
                    );
                }
                if store.revocations.is_none() {
                    tracing::info!(
                        cookie = cookie.name(),
                        "sessions in this cookie cannot be ended for good: `destroy` is refused, and \
                         after `forget` a copy of the cookie still works; \
                         `CookieStore::revoked_in` changes that"
                    );
                }
                store.revocations.is_some()
            }
        };
        let keys = self.keys.of_realm(&self.audience, &self.realm);
        let context = Context {
            observer: Observer {
                realm: self.realm.as_str().into(),
                keys: keys.clone(),
                audience: self.audience.clone(),
                clock: Arc::clone(&self.clock),
                listener: self.listener,
                open_telemetry: self.open_telemetry,
            },
            keys,
            policy: self.policy,
            clock: self.clock,
            audience: self.audience,
            cookie_name: cookie.name().to_owned(),
            persistent_cookie: cookie.is_persistent(),
        };
        Realm {
            name: self.realm,
            engine: match self.backend {
                Backing::Own(backend) => Engine::new(backend, context, self.settings),
                #[cfg(feature = "python")]
                Backing::Python(sessions) => Engine::shared(sessions, context, self.settings),
            },
            cookie,
            former_cookie,
            carriers: Carriers::COOKIE,
            failure_policy: self.failure_policy,
            is_revocable,
            explains: self.explains,
            is_transport_known: std::sync::atomic::AtomicBool::new(false),
            reporter: Reporter::default(),
            #[cfg(feature = "takeover")]
            takeover: self.takeover,
            schemas: KnownSchemas::default(),
            #[cfg(feature = "dbsc")]
            device: None,
        }
    }
}

impl Backing {
    /// Whether another library also decides how long sessions live.
    fn is_shared(&self) -> bool {
        !matches!(self, Self::Own(_))
    }

    fn is_store(&self) -> bool {
        matches!(self, Self::Own(BackendKind::Store(_)))
    }
}

fn check_seconds(what: &'static str, duration: Duration) -> Result<(), ConfigError> {
    if duration.as_secs() == 0 || duration.subsec_nanos() != 0 {
        return Err(ConfigError::Duration(what));
    }
    Ok(())
}

/// RFC 6265bis, section 5.5: the lifetime that browsers cap cookies at.
const MAX_ABSOLUTE: Duration = Duration::from_secs(400 * 24 * 3_600);
