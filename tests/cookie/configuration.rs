//! A configuration is accepted exactly when a browser keeps what it asks for.

use std::time::Duration;

use http::header::SET_COOKIE;
use http::{HeaderMap, HeaderValue};
use starsessions::SameSite;
use starsessions::config::{CookieBuilder, CookieConfig, CookieConfigError};
use starsessions_tests::jar::{Jar, SameSitePolicy, StoredCookie};

const URL: &str = "https://app.example.com/app/deep/page";

/// What an application may ask for, sensible or not.
#[derive(Clone, Copy, Debug)]
struct Wish<'a> {
    name: &'a str,
    secure: bool,
    same_site: SameSite,
    path: &'a str,
    domain: Option<&'a str>,
    partitioned: bool,
    lifetime: Option<u64>,
}

impl Wish<'_> {
    fn builder(&self) -> CookieBuilder {
        let builder = CookieConfig::builder()
            .name(self.name)
            .secure(self.secure)
            .same_site(self.same_site)
            .path(self.path)
            .partitioned(self.partitioned)
            .persistent(self.lifetime.is_some());
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
        if let Some(lifetime) = self.lifetime {
            line += &format!("; Max-Age={lifetime}");
        }
        line
    }

    /// Whether a browser has stored just this.
    fn is(&self, cookie: &StoredCookie) -> bool {
        let same_site = match self.same_site {
            SameSite::Lax => SameSitePolicy::Lax,
            SameSite::None => SameSitePolicy::None,
            SameSite::Strict => SameSitePolicy::Strict,
        };
        cookie.name == self.name
            && cookie.value == "value"
            && cookie.domain == self.domain.unwrap_or("app.example.com")
            && cookie.host_only == self.domain.is_none()
            && cookie.path == self.path
            && cookie.secure == self.secure
            && cookie.http_only
            && cookie.same_site == same_site
            && cookie.partition.is_some() == self.partitioned
            && cookie.expires == self.lifetime.map(|lifetime| lifetime.min(34_560_000))
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
    let lifetimes = [
        None,
        Some(1),
        Some(34_560_000),
        Some(34_560_001),
        Some(u64::MAX),
    ];
    let mut count = 0;
    for name in names {
        for secure in [true, false] {
            for same_site in [SameSite::Lax, SameSite::None, SameSite::Strict] {
                for path in paths {
                    for domain in domains {
                        for partitioned in [true, false] {
                            for lifetime in lifetimes {
                                judge(Wish {
                                    name,
                                    secure,
                                    same_site,
                                    path,
                                    domain,
                                    partitioned,
                                    lifetime,
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
    let mut accepted = 0;
    let count = for_each_wish(|wish| {
        let mut jar = Jar::new();
        receive(
            &mut jar,
            HeaderValue::try_from(wish.unchecked_header()).unwrap(),
        );
        let kept = jar.cookies().any(|cookie| wish.is(cookie));
        assert_eq!(wish.builder().build().is_ok(), kept, "{wish:?}");
        accepted += usize::from(kept);
    });
    assert_eq!(count, 18_000);
    assert!((1_000..9_000).contains(&accepted), "{accepted}");
}

#[test]
fn what_is_written_is_what_was_wished() {
    for_each_wish(|wish| {
        let Ok(config) = wish.builder().build() else {
            return;
        };
        let lifetime = Duration::from_secs(wish.lifetime.unwrap_or(60));
        let mut jar = Jar::new();
        receive(&mut jar, config.set_cookie("value", lifetime).unwrap());
        let cookies: Vec<_> = jar.cookies().collect();
        assert!(
            matches!(cookies.as_slice(), [cookie] if wish.is(cookie)),
            "{wish:?} {cookies:?}"
        );
    });
}

#[test]
fn removal_removes_what_was_set() {
    let decoy = HeaderValue::from_static("decoy=1; Path=/; Secure; HttpOnly");
    for_each_wish(|wish| {
        let Ok(config) = wish.builder().build() else {
            return;
        };
        let mut jar = Jar::new();
        receive(&mut jar, decoy.clone());
        receive(&mut jar, config.set_cookie("value", Duration::MAX).unwrap());
        assert_eq!(jar.cookies().count(), 2);
        receive(&mut jar, config.removal());
        let left: Vec<_> = jar.cookies().map(|cookie| cookie.name.as_str()).collect();
        assert_eq!(left, ["decoy"], "{wish:?}");
    });
}

#[test]
fn the_constructors_are_kept_by_browsers() {
    let mut jar = Jar::new();
    for config in [CookieConfig::default(), CookieConfig::local_development()] {
        receive(&mut jar, config.set_cookie("value", Duration::MAX).unwrap());
    }
    assert_eq!(
        jar.cookie_header(URL).unwrap(),
        "__Host-Http-id=value; starsessions-dev=value"
    );
    assert_eq!(
        jar.cookie_header("http://app.example.com/").unwrap(),
        "starsessions-dev=value"
    );
    assert!(jar.cookies().all(|cookie| cookie.http_only));
}

fn error(builder: CookieBuilder) -> CookieConfigError {
    builder.build().unwrap_err()
}

#[test]
fn each_mistake_has_its_own_error() {
    use CookieConfigError as Error;
    let new = CookieConfig::builder;
    let plain = || CookieConfig::builder().name("id");
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

/// Every message is a sentence with a way out.
#[test]
fn errors_say_what_to_change() {
    for builder in [
        CookieConfig::builder().secure(false),
        CookieConfig::builder().domain("example.com"),
        CookieConfig::builder().name("id").domain(".example.com"),
        CookieConfig::builder().name("id").path("app"),
        CookieConfig::builder()
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
            let plain = || CookieConfig::builder().name("id");
            let named = error(CookieConfig::builder().name(&text));
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
        let named = error(CookieConfig::builder().name(format!("a{character}b")));
        assert_eq!(named, CookieConfigError::NameCharacter { character });
    }
}

#[test]
fn limits_are_inclusive() {
    let plain = || CookieConfig::builder().name("id");
    assert!(
        plain()
            .path(format!("/{}", "x".repeat(1_023)))
            .build()
            .is_ok()
    );
    assert!(
        CookieConfig::builder()
            .name("x".repeat(256))
            .build()
            .is_ok()
    );
    let label = "x".repeat(63);
    let longest = format!("{label}.{label}.{label}.{}", "x".repeat(61));
    assert_eq!(longest.len(), 253);
    assert!(plain().domain(longest.as_str()).build().is_ok());
    assert!(plain().domain(format!("x{longest}")).build().is_err());
}

#[test]
fn domains_are_written_in_lower_case() {
    let config = CookieConfig::builder()
        .name("id")
        .domain("Example.COM")
        .build()
        .unwrap();
    assert!(
        config
            .removal()
            .to_str()
            .unwrap()
            .contains("; Domain=example.com;")
    );
}
