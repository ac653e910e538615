//! The session cookie in a browser model: a configuration is accepted exactly when a browser stores the cookie that it
//! requests.

use axum::Router;
use axum::body::Body;
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Request};
use proptest::prelude::*;
use starsessions::config::{ConfigError, CookieBuilder, CookieConfigError};
use starsessions::{
    CurrentSession, KeyRing, MemoryStore, SameSite, Session, SessionError, SessionLayer,
};
use starsessions_tests::jar::{Jar, SameSitePolicy, StoredCookie};
use starsessions_tests::routing::get;
use tower::ServiceExt;

const URL: &str = "https://app.example.com/app/deep/page";

/// A cookie configuration that an application may request, sensible or not.
#[derive(Clone, Copy, Debug)]
struct Wish<'a> {
    name: &'a str,
    secure: bool,
    same_site: SameSite,
    path: &'a str,
    domain: Option<&'a str>,
    partitioned: bool,
    persistent: bool,
}

impl Wish<'_> {
    fn builder(&self) -> CookieBuilder {
        let builder = CookieBuilder::default()
            .name(self.name)
            .secure(self.secure)
            .same_site(self.same_site)
            .path(self.path)
            .partitioned(self.partitioned)
            .persistent(self.persistent);
        match self.domain {
            Some(domain) => builder.domain(domain),
            None => builder,
        }
    }

    /// The header that a library without checks would send.
    fn unchecked_header(&self) -> String {
        let mut line = format!("{}=value; HttpOnly; Path={}", self.name, self.path);
        line += &format!("; SameSite={:?}", self.same_site);
        if self.secure {
            line += "; Secure";
        }
        if self.partitioned {
            line += "; Partitioned";
        }
        if let Some(domain) = self.domain {
            line += &format!("; Domain={domain}");
        }
        if self.persistent {
            line += &format!("; Max-Age={IDLE}");
        }
        line
    }

    /// Whether the browser has stored exactly the requested cookie.
    fn is(&self, cookie: &StoredCookie) -> bool {
        let same_site = match self.same_site {
            SameSite::Lax => SameSitePolicy::Lax,
            SameSite::None => SameSitePolicy::None,
            SameSite::Strict => SameSitePolicy::Strict,
        };
        cookie.name == self.name
            && cookie.domain == self.domain.unwrap_or("app.example.com")
            && cookie.host_only == self.domain.is_none()
            && cookie.path == self.path
            && cookie.secure == self.secure
            && cookie.http_only
            && cookie.same_site == same_site
            && cookie.partition.is_some() == self.partitioned
            && cookie.expires == self.persistent.then_some(IDLE)
    }
}

fn receive(jar: &mut Jar, line: HeaderValue) {
    let mut headers = HeaderMap::new();
    headers.insert(SET_COOKIE, line);
    jar.receive(&headers, URL);
}

fn for_each_wish(mut judge: impl FnMut(Wish<'_>)) -> usize {
    let long_path = format!("/app/{}", "x".repeat(1_020));
    let names = [
        "__Host-Http-id",
        "__Host-id",
        "__Http-id",
        "__Secure-id",
        "id",
        "__hOST-hTTP-id",
        "__HOST-id",
        "__http-id",
        "__secure-id",
        "_Host-id",
    ];
    let paths = ["/", "/app", "/app/deep", "", "app", &long_path];
    let domains = [
        None,
        Some("example.com"),
        Some("app.example.com"),
        Some("com"),
        Some(".example.com"),
    ];
    let mut count = 0;
    for name in names {
        for secure in [true, false] {
            for same_site in [SameSite::Lax, SameSite::None, SameSite::Strict] {
                for path in paths {
                    for domain in domains {
                        for partitioned in [true, false] {
                            for persistent in [true, false] {
                                judge(Wish {
                                    name,
                                    secure,
                                    same_site,
                                    path,
                                    domain,
                                    partitioned,
                                    persistent,
                                });
                                count += 1;
                            }
                        }
                    }
                }
            }
        }
    }
    count
}

#[test]
fn accepted_is_what_a_browser_keeps() {
    let sites = Sites::new();
    let mut accepted = 0;
    let count = for_each_wish(|wish| {
        let mut jar = Jar::new();
        receive(
            &mut jar,
            HeaderValue::try_from(wish.unchecked_header()).unwrap(),
        );
        let kept = jar.cookies().any(|cookie| wish.is(cookie));
        assert_eq!(sites.layer(wish.builder()).is_ok(), kept, "{wish:?}");
        accepted += usize::from(kept);
    });
    assert_eq!(count, 7_200);
    assert!((400..3_600).contains(&accepted), "{accepted}");
}

#[test]
fn what_is_written_is_what_was_wished_and_removal_removes_it() {
    let (sites, runtime) = (Sites::new(), runtime());
    let decoy = HeaderValue::from_static("decoy=1; Path=/; Secure; HttpOnly");
    for_each_wish(|wish| {
        let Ok(layer) = sites.layer(wish.builder()) else {
            return;
        };
        let [set, removal] = runtime.block_on(set_and_removal(layer));
        let mut jar = Jar::new();
        receive(&mut jar, set);
        let cookies: Vec<_> = jar.cookies().collect();
        assert!(
            matches!(cookies.as_slice(), [cookie] if wish.is(cookie)),
            "{wish:?} {cookies:?}"
        );
        receive(&mut jar, decoy.clone());
        assert_eq!(jar.cookies().count(), 2);
        receive(&mut jar, removal);
        let left: Vec<_> = jar.cookies().map(|cookie| cookie.name.as_str()).collect();
        assert_eq!(left, ["decoy"], "{wish:?}");
    });
}

#[test]
fn the_presets_are_kept_by_browsers() {
    let (sites, runtime) = (Sites::new(), runtime());
    let development = SessionLayer::dev(sites.store.clone(), sites.keys.clone());
    let production = SessionLayer::new(sites.store.clone(), sites.keys);
    for (layer, name, over_http) in [
        (production, "__Host-Http-id", 0),
        (development, "starsessions-dev", 1),
    ] {
        let [set, _] = runtime.block_on(set_and_removal(layer));
        let mut jar = Jar::new();
        receive(&mut jar, set);
        assert!(
            jar.cookies()
                .all(|cookie| cookie.http_only && cookie.name == name)
        );
        assert_eq!(jar.cookie_header(URL).iter().count(), 1);
        let plain = jar.cookie_header("http://app.example.com/");
        assert_eq!(plain.iter().count(), over_http);
    }
}

/// Builds layers with the cookies under test.
struct Sites {
    store: MemoryStore,
    keys: KeyRing,
}

impl Sites {
    fn new() -> Self {
        Self {
            store: MemoryStore::new(),
            keys: KeyRing::generate().unwrap(),
        }
    }

    fn layer(&self, cookie: CookieBuilder) -> Result<SessionLayer, CookieConfigError> {
        let layer = SessionLayer::builder(self.store.clone(), self.keys.clone());
        match layer.cookie(|_| cookie).build() {
            Err(ConfigError::Cookie(error)) => Err(error),
            other => Ok(other.unwrap()),
        }
    }
}

/// The `Set-Cookie` headers of a session's beginning and end.
async fn set_and_removal(layer: SessionLayer) -> [HeaderValue; 2] {
    let app = Router::new()
        .route("/in", get(begin))
        .route("/out", get(end))
        .layer(layer);
    let ask = async |path: &str, cookie: HeaderValue| {
        let request = Request::get(path).header(COOKIE, cookie);
        let request = request.body(Body::empty()).unwrap();
        let mut response = app.clone().oneshot(request).await.unwrap();
        response.headers_mut().remove(SET_COOKIE).unwrap()
    };
    let set = ask("/in", HeaderValue::from_static("")).await;
    let pair = set.to_str().unwrap().split(';').next().unwrap();
    let removal = ask("/out", HeaderValue::try_from(pair).unwrap()).await;
    [set, removal]
}

#[derive(Session)]
struct Visit {
    page: u32,
}

async fn begin(mut visit: Session<Visit>) {
    visit.page += 1;
}

async fn end(session: CurrentSession) -> Result<(), SessionError> {
    session.forget()
}

fn runtime() -> tokio::runtime::Runtime {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_time().build().unwrap()
}

fn error(builder: CookieBuilder) -> CookieConfigError {
    Sites::new().layer(builder).unwrap_err()
}

fn is_accepted(builder: CookieBuilder) -> bool {
    Sites::new().layer(builder).is_ok()
}

#[test]
fn each_mistake_has_its_own_error() {
    use CookieConfigError as Error;
    let new = CookieBuilder::default;
    let plain = || CookieBuilder::default().name("id");
    let name = |name: &str| name.to_owned();
    let mistakes = [
        (new().name(""), Error::NameEmpty),
        (new().name("a b"), Error::NameCharacter { character: ' ' }),
        (new().name("größe"), Error::NameCharacter { character: 'ö' }),
        (
            new().name("x".repeat(257)),
            Error::NameTooLong { octets: 257 },
        ),
        (
            new().secure(false),
            Error::PrefixInsecure {
                name: name("__Host-Http-id"),
            },
        ),
        (
            new().name("__SECURE-x").secure(false),
            Error::PrefixInsecure {
                name: name("__SECURE-x"),
            },
        ),
        (
            new().name("__http-x").secure(false),
            Error::PrefixInsecure {
                name: name("__http-x"),
            },
        ),
        (
            new().domain("example.com"),
            Error::HostPrefixDomain {
                name: name("__Host-Http-id"),
            },
        ),
        (
            new().name("__host-x").path("/app"),
            Error::HostPrefixPath {
                name: name("__host-x"),
            },
        ),
        (
            plain().secure(false).same_site(SameSite::None),
            Error::SameSiteNoneInsecure,
        ),
        (
            plain().secure(false).partitioned(true),
            Error::PartitionedInsecure,
        ),
        (plain().path(""), Error::PathNotAbsolute),
        (plain().path("app"), Error::PathNotAbsolute),
        (
            plain().path(format!("/{}", "x".repeat(1_024))),
            Error::PathTooLong { octets: 1_025 },
        ),
        (
            plain().path("/a;Domain=evil.example"),
            Error::PathCharacter { character: ';' },
        ),
        (plain().domain(""), Error::DomainMalformed),
        (plain().domain("a..b"), Error::DomainMalformed),
        (plain().domain("example.com."), Error::DomainMalformed),
        (plain().domain("-a.example"), Error::DomainMalformed),
        (plain().domain("a-.example"), Error::DomainMalformed),
        (
            plain().domain(format!("{}.example", "x".repeat(64))),
            Error::DomainMalformed,
        ),
        (
            plain().domain(format!("{}example", "x.".repeat(124))),
            Error::DomainMalformed,
        ),
        (plain().domain(".example.com"), Error::DomainLeadingDot),
        (plain().domain("localhost"), Error::DomainSingleLabel),
        (plain().domain("com"), Error::DomainSingleLabel),
        (plain().domain("127.0.0.1"), Error::DomainAddress),
        (plain().domain("127.1"), Error::DomainAddress),
        (plain().domain("::1"), Error::DomainAddress),
        (
            plain().domain("[::1]"),
            Error::DomainCharacter { character: '[' },
        ),
        (
            plain().domain("example.com:8080"),
            Error::DomainCharacter { character: ':' },
        ),
        (
            plain().domain("https://example.com"),
            Error::DomainCharacter { character: ':' },
        ),
        (
            plain().domain("bücher.example"),
            Error::DomainCharacter { character: 'ü' },
        ),
        (
            plain().domain("*.example.com"),
            Error::DomainCharacter { character: '*' },
        ),
    ];
    for (builder, expected) in mistakes {
        assert_eq!(error(builder), expected);
    }
}

/// Every message is a sentence that names a remedy.
#[test]
fn errors_say_what_to_change() {
    for builder in [
        CookieBuilder::default().secure(false),
        CookieBuilder::default().domain("example.com"),
        CookieBuilder::default().name("id").domain(".example.com"),
        CookieBuilder::default().name("id").path("app"),
        CookieBuilder::default()
            .name("id")
            .secure(false)
            .same_site(SameSite::None),
    ] {
        let message = error(builder).to_string();
        let (problem, cure) = message.split_once(": ").unwrap();
        assert!(problem.len() > 20 && cure.len() > 15, "{message}");
        assert!(
            ["remove", "use", "write", "do not"]
                .iter()
                .any(|verb| cure.starts_with(verb)),
            "{message}"
        );
    }
}

#[test]
fn no_character_ends_an_attribute() {
    let forbidden = (0..=0x20_u8)
        .chain(0x7f..=0xff)
        .map(char::from)
        .chain("\",;\\".chars())
        .chain(['\u{2028}', '\u{ff1b}', '\u{1f36a}']);
    let mut cases = 0;
    for character in forbidden {
        for spot in ["{}a", "a{}", "a{}a", "{}", "a{}a=b", "a{} Secure", "a{}{}"] {
            let text = spot.replace("{}", &character.to_string());
            let plain = || CookieBuilder::default().name("id");
            let named = error(CookieBuilder::default().name(&text));
            assert_eq!(named, CookieConfigError::NameCharacter { character });
            let path = error(plain().path(format!("/{text}")));
            assert_eq!(path, CookieConfigError::PathCharacter { character });
            let domain = error(plain().domain(format!("x{text}.example")));
            assert_eq!(domain, CookieConfigError::DomainCharacter { character });
            cases += 3;
        }
    }
    assert!(cases > 3_000, "{cases}");
    for character in "()<>@:/[]?={}".chars() {
        let named = error(CookieBuilder::default().name(format!("a{character}b")));
        assert_eq!(named, CookieConfigError::NameCharacter { character });
    }
}

#[test]
fn limits_are_inclusive() {
    let plain = || CookieBuilder::default().name("id");
    assert!(is_accepted(plain().path(format!("/{}", "x".repeat(1_023)))));
    assert!(is_accepted(plain().name("x".repeat(256))));
    let label = "x".repeat(63);
    let longest = format!("{label}.{label}.{label}.{}", "x".repeat(61));
    assert_eq!(longest.len(), 253);
    assert!(is_accepted(plain().domain(longest.as_str())));
    assert!(!is_accepted(plain().domain(format!("x{longest}"))));
}

#[test]
fn domains_are_written_in_lower_case() {
    let cookie = CookieBuilder::default().name("id").domain("Example.COM");
    let layer = Sites::new().layer(cookie).unwrap();
    for header in runtime().block_on(set_and_removal(layer)) {
        let header = header.to_str().unwrap();
        assert!(header.contains("; Domain=example.com"), "{header}");
    }
}

proptest! {
    #[test]
    fn no_configuration_panics(name: String, path: String, domain: String, secure: bool, partitioned: bool) {
        let builder = CookieBuilder::default()
            .name(name)
            .path(path)
            .domain(domain)
            .secure(secure)
            .partitioned(partitioned);
        let _ = is_accepted(builder);
    }
}

/// The idle timeout, which is also the lifetime of a persistent cookie.
const IDLE: u64 = 3_600;
