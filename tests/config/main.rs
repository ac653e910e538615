//! Settings that the builder refuses, exact to the second and the byte, and the error messages.

mod device;
mod key_file;
mod transport;

use std::error::Error;
use std::time::Duration;

use http::StatusCode;
use starsessions::config::ConfigError;
use starsessions::error::{LimitKind, TooLarge};
use starsessions::keys::Key;
use starsessions::python::AesGcmEncryptor;
use starsessions::testing::TestSessions;
use starsessions::{
    CookieStore, CsrfLayer, KeyRing, Lifetime, MemoryStore, Session, SessionError, SessionLayer,
    SessionLayerBuilder,
};
use starsessions_tests::client::{Client, Once};

fn build(
    set: impl FnOnce(SessionLayerBuilder) -> SessionLayerBuilder,
) -> Result<SessionLayer, ConfigError> {
    let keys = KeyRing::generate().unwrap();
    set(SessionLayer::builder(MemoryStore::new(), keys)).build()
}

/// The error message for refused settings; empty if they are accepted.
fn said(set: impl FnOnce(SessionLayerBuilder) -> SessionLayerBuilder) -> String {
    build(set).map_or_else(|error| error.to_string(), |_| String::new())
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn lifetime(idle: u64, absolute: u64) -> Lifetime {
    Lifetime::new(seconds(idle), seconds(absolute))
}

const TAKEN: &str = "";
const DAY: u64 = 24 * 3_600;

#[test]
fn the_defaults_and_the_presets_are_taken() {
    assert_eq!(said(|layer| layer), TAKEN);
    for preset in [Lifetime::aal1(), Lifetime::aal2(), Lifetime::aal3()] {
        assert_eq!(said(|layer| layer.lifetime(preset)), TAKEN);
    }
    let remembered = |layer: SessionLayerBuilder| layer.remembered_lifetime(Lifetime::aal1());
    assert_eq!(said(remembered), TAKEN);
}

#[test]
fn every_duration_is_a_whole_and_positive_number_of_seconds() {
    type Set = fn(SessionLayerBuilder, Duration) -> SessionLayerBuilder;
    let hour = seconds(3_600);
    let cases: [(&str, Duration, Set); 6] = [
        ("idle timeout", seconds(1), |layer, time| {
            layer.lifetime(Lifetime::new(time, seconds(3_600)))
        }),
        ("absolute timeout", seconds(1), |layer, time| {
            layer.lifetime(Lifetime::new(seconds(1), time))
        }),
        ("idle timeout", seconds(1), |layer, time| {
            layer.remembered_lifetime(Lifetime::new(time, seconds(DAY)))
        }),
        ("absolute timeout", seconds(DAY), |layer, time| {
            layer.remembered_lifetime(Lifetime::new(seconds(1), time))
        }),
        ("renewal age", hour, SessionLayerBuilder::renewal),
        (
            "renewal grace",
            seconds(1),
            SessionLayerBuilder::renewal_grace,
        ),
    ];
    for (name, least, set) in cases {
        let refused = format!("the {name} must be a whole number of seconds, at least one");
        assert_eq!(said(|layer| set(layer, least)), TAKEN, "{name}");
        let fractions = [Duration::from_nanos(1), Duration::from_millis(999)];
        for time in fractions.into_iter().flat_map(|part| [part, least + part]) {
            assert_eq!(said(|layer| set(layer, time)), refused, "{time:?}");
        }
        assert_eq!(said(|layer| set(layer, Duration::ZERO)), refused);
        assert_eq!(said(|layer| set(layer, Duration::MAX)), refused);
        let error = build(|layer| set(layer, Duration::ZERO)).unwrap_err();
        assert!(matches!(error, ConfigError::Duration(what) if what == name));
    }
}

#[test]
fn the_idle_timeout_is_at_most_the_absolute_one() {
    for (idle, is_taken) in [(3_599, true), (3_600, true), (3_601, false)] {
        let standard = build(|layer| layer.lifetime(lifetime(idle, 3_600)));
        let remembered = build(|layer| {
            layer
                .lifetime(lifetime(60, 60))
                .remembered_lifetime(lifetime(idle, 3_600))
        });
        for result in [standard, remembered] {
            assert_eq!(result.is_ok(), is_taken, "{idle}");
            if let Err(error) = result {
                assert!(matches!(error, ConfigError::IdleOverAbsolute), "{error}");
                assert_eq!(
                    error.to_string(),
                    "the idle timeout is longer than the absolute one and would never matter; \
                     shorten it, or lengthen the absolute timeout"
                );
            }
        }
    }
}

#[test]
fn the_absolute_timeout_is_at_most_400_days() {
    let most = 400 * DAY;
    for (absolute, is_taken) in [(most, true), (most + 1, false), (u64::MAX, false)] {
        let standard = build(|layer| layer.lifetime(lifetime(60, absolute)));
        let remembered = build(|layer| layer.remembered_lifetime(lifetime(60, absolute)));
        for result in [standard, remembered] {
            assert_eq!(result.is_ok(), is_taken, "{absolute}");
            if let Err(error) = result {
                assert!(matches!(error, ConfigError::AbsoluteTooLong), "{error}");
                assert_eq!(
                    error.to_string(),
                    "browsers keep no cookie for more than 400 days; shorten the absolute timeout"
                );
            }
        }
    }
}

#[test]
fn a_store_time_out_leaves_the_store_some_time() {
    for (milliseconds, is_taken) in [(0, false), (1, true)] {
        let timeout = Duration::from_millis(milliseconds);
        let result = build(|layer| layer.store_timeout(timeout));
        assert_eq!(result.is_ok(), is_taken, "{milliseconds}");
        if let Err(error) = result {
            assert_eq!(
                error.to_string(),
                "with a store time-out of zero every request fails; lengthen it"
            );
        }
    }
}

#[test]
fn a_watch_interval_leaves_the_store_some_time() {
    for (milliseconds, is_taken) in [(0, false), (1, true)] {
        let interval = Duration::from_millis(milliseconds);
        let result = build(|layer| layer.watch_interval(interval));
        assert_eq!(result.is_ok(), is_taken, "{milliseconds}");
        if let Err(error) = result {
            assert_eq!(
                error.to_string(),
                "with a watch interval of zero the store is asked without end; lengthen it"
            );
        }
    }
}

#[test]
fn the_remembered_lifetime_is_not_the_shorter_one() {
    for (absolute, is_taken) in [(DAY - 1, false), (DAY, true), (DAY + 1, true)] {
        let result = build(|layer| {
            layer
                .lifetime(lifetime(60, DAY))
                .remembered_lifetime(lifetime(60, absolute))
        });
        assert_eq!(result.is_ok(), is_taken, "{absolute}");
        if let Err(error) = result {
            assert!(matches!(error, ConfigError::RememberedTooShort), "{error}");
            assert_eq!(
                error.to_string(),
                "the remembered lifetime is shorter than the ordinary one; swap them, or lengthen it"
            );
        }
    }
}

#[test]
fn the_renewal_age_lies_between_a_minute_and_the_absolute_timeout() {
    for (age, is_taken) in [
        (59, false),
        (60, true),
        (61, true),
        (3_599, true),
        (3_600, false),
        (3_601, false),
    ] {
        let result = build(|layer| layer.lifetime(lifetime(60, 3_600)).renewal(seconds(age)));
        assert_eq!(result.is_ok(), is_taken, "{age}");
        if let Err(error) = result {
            assert!(matches!(error, ConfigError::Renewal), "{error}");
            assert_eq!(
                error.to_string(),
                "the renewal age must be at least a minute and less than the absolute timeout; \
                 change it, or leave renewal off"
            );
        }
    }
}

#[test]
fn the_renewal_grace_is_at_most_30_seconds() {
    for (grace, is_taken) in [(1, true), (30, true), (31, false)] {
        let result = build(|layer| layer.renewal_grace(seconds(grace)));
        assert_eq!(result.is_ok(), is_taken, "{grace}");
        if let Err(error) = result {
            assert!(matches!(error, ConfigError::RenewalGrace), "{error}");
            assert_eq!(
                error.to_string(),
                "a renewed id may lead to its successor for at most 30 seconds; shorten the grace"
            );
        }
    }
}

#[test]
fn a_cookie_store_has_no_ids_to_renew() {
    let builder = |store: CookieStore| SessionLayer::builder(store, KeyRing::generate().unwrap());
    for store in [CookieStore::sealed, CookieStore::signed] {
        assert!(builder(store()).build().is_ok());
        let error = builder(store()).renewal(seconds(600)).build().unwrap_err();
        assert!(matches!(error, ConfigError::RenewalOfCookies), "{error}");
        assert_eq!(
            error.to_string(),
            "a `CookieStore` has no ids to renew, and Python would not follow them; leave renewal off, or use a \
             server-side store"
        );
    }
}

#[test]
fn a_limit_of_sessions_is_one_at_least_and_needs_a_store() {
    use starsessions::config::AtLimit;
    let keys = || KeyRing::generate().unwrap();
    let error = SessionLayer::builder(MemoryStore::new(), keys())
        .sessions_per_user(0, AtLimit::EndOldest)
        .build()
        .unwrap_err();
    assert!(matches!(error, ConfigError::SessionLimit), "{error}");
    let error = SessionLayer::builder(CookieStore::sealed(), keys())
        .sessions_per_user(1, AtLimit::Refuse)
        .build()
        .unwrap_err();
    assert!(
        matches!(error, ConfigError::SessionLimitOfCookies),
        "{error}"
    );
    for error in [
        ConfigError::SessionLimit,
        ConfigError::SessionLimitOfCookies,
    ] {
        assert!(error.to_string().contains("limit"), "{error}");
    }
}

#[test]
fn the_field_limit_fits_the_codec_and_the_record() {
    const KIB: usize = 1024;
    for (field, record, is_taken) in [
        (0, 64 * KIB, false),
        (1, 64 * KIB, true),
        (64 * KIB, 64 * KIB, true),
        (64 * KIB, KIB * KIB, true),
        (64 * KIB + 1, KIB * KIB, false),
        (99, 100, true),
        (100, 100, true),
        (101, 100, false),
        (1, 0, false),
    ] {
        let result = build(|layer| layer.field_limit(field).record_limit(record));
        assert_eq!(result.is_ok(), is_taken, "{field} {record}");
        if let Err(error) = result {
            assert!(matches!(error, ConfigError::FieldLimit), "{error}");
            assert_eq!(
                error.to_string(),
                "the field limit must be at least 1, at most 64 KiB, and at most the record limit"
            );
        }
    }
}

#[test]
fn the_record_limit_is_at_most_a_mebibyte() {
    for (limit, is_taken) in [(1 << 20, true), ((1 << 20) + 1, false), (usize::MAX, false)] {
        let result = build(|layer| layer.record_limit(limit));
        assert_eq!(result.is_ok(), is_taken, "{limit}");
        if let Err(error) = result {
            assert!(matches!(error, ConfigError::RecordLimit), "{error}");
            assert_eq!(error.to_string(), "the record limit must be at most 1 MiB");
        }
    }
}

#[test]
fn a_realms_name_is_one_that_a_struct_can_have() {
    let long = "r".repeat(64);
    for name in ["", "admin", "A-1_b", &long] {
        assert_eq!(said(|layer| layer.realm(name)), TAKEN, "{name}");
    }
    let too_long = "r".repeat(65);
    for name in ["a.b", "a b", "caf\u{e9}", "a/b", "a\n", &too_long] {
        let error = build(|layer| layer.realm(name)).unwrap_err();
        assert!(matches!(error, ConfigError::Realm), "{error}");
        assert_eq!(
            error.to_string(),
            "a realm's name has up to 64 letters, digits, `_` and `-`"
        );
        assert!(error.source().is_none());
    }
}

#[test]
fn what_is_wrong_with_the_cookie_is_said_in_its_own_words() {
    let host_with_domain = |layer: SessionLayerBuilder| {
        layer.cookie(|cookie| cookie.name("__Host-id").domain("example.org"))
    };
    let error = build(host_with_domain).unwrap_err();
    let ConfigError::Cookie(cookie) = &error else {
        panic!("{error}");
    };
    assert!(!cookie.to_string().is_empty());
    assert_eq!(error.to_string(), cookie.to_string());
    let named = |layer: SessionLayerBuilder| layer.cookie(|cookie| cookie.name("__Host-id"));
    assert_eq!(said(named), TAKEN, "it is the domain that is wrong");
}

#[derive(Session)]
struct Texts {
    first: String,
    second: String,
}

/// Writes texts of these lengths; returns the error, if any.
async fn write(test: &TestSessions, first: usize, second: usize) -> Result<(), TooLarge> {
    let mut browser = Client::behind(test.layer());
    let said = Once::empty();
    let keep = said.clone();
    let reply = browser
        .visit(async move |mut texts: Session<Texts>| {
            texts.first = "x".repeat(first);
            texts.second = "y".repeat(second);
            keep.put(match texts.commit().await {
                Ok(()) => Ok(()),
                Err(SessionError::TooLarge(error)) => Err(error),
                Err(other) => panic!("{other}"),
            });
        })
        .await;
    assert_eq!(reply.status, StatusCode::OK);
    said.take()
}

#[tokio::test]
async fn a_field_of_the_limit_is_stored_and_of_one_byte_more_is_not() {
    const LIMIT: usize = 300;
    let test = TestSessions::with(|layer| layer.field_limit(LIMIT).record_limit(10_000));
    let most = (0..=LIMIT).rev();
    let mut sizes = Vec::new();
    for length in most {
        match write(&test, length, 10).await {
            Err(error) => {
                assert_eq!((error.what, error.limit), (LimitKind::Field, LIMIT));
                assert_eq!(error.fields, [("texts.first".to_owned(), error.size)]);
                sizes.push(error.size);
            }
            Ok(()) => break,
        }
    }
    assert_eq!(
        sizes.last(),
        Some(&(LIMIT + 1)),
        "one byte more than the largest that is taken"
    );
}

#[tokio::test]
async fn a_record_of_the_limit_is_stored_and_of_one_byte_more_is_not() {
    const LIMIT: usize = 500;
    let test = TestSessions::with(|layer| layer.field_limit(LIMIT).record_limit(LIMIT));
    let mut last = None;
    for length in (0..=250).rev() {
        match write(&test, 240, length).await {
            Err(error) => last = Some(error),
            Ok(()) => break,
        }
    }
    let error = last.expect("490 bytes and two names do not fit");
    assert_eq!(
        (error.what, error.limit, error.size),
        (LimitKind::Record, LIMIT, LIMIT + 1)
    );
    let [(largest, size), (other, rest)] = &error.fields[..] else {
        panic!("{error:?}");
    };
    assert_eq!(
        (largest.as_str(), other.as_str()),
        ("texts.first", "texts.second")
    );
    assert!(size > rest, "the largest first");
    let expected = format!(
        "a session of 501 bytes is over the limit of 500; store less, or raise `record_limit`; `texts.first` has {size}; `texts.second` has {rest}"
    );
    assert_eq!(error.to_string(), expected);
}

/// `main -> Result<(), Box<dyn Error>>` prints the error with `Debug`.
#[test]
fn an_error_of_a_setting_is_printed_as_its_sentence() {
    fn assert_is_a_sentence<T>(result: Result<T, impl Error>, word: &str) {
        let Err(error) = result else {
            panic!("no error that speaks of {word:?}")
        };
        assert_eq!(format!("{error:?}"), error.to_string());
        assert!(error.to_string().contains(word), "{error}");
    }
    let origin = CsrfLayer::new().trust("https://shop.example/");
    assert_is_a_sentence(origin, "https://shop.example/");
    assert_is_a_sentence(Key::from_bytes([7; 32]), "openssl rand -base64 32");
    assert_is_a_sentence(AesGcmEncryptor::new(b"short"), "16, 24 or 32");
}
