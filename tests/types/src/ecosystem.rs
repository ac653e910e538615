//! The types of popular crates. The table in the library's documentation lists what is tested here.

use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use starsessions::__private::{Format, Stored};

/// The attribute that a field of a type needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Codec {
    /// Nothing.
    Default,
    /// `codec = json`.
    Json,
    /// A wrapper or a serde attribute, because some value survives in neither codec.
    Neither,
}

trait Value: Serialize + DeserializeOwned + Debug + 'static {}

impl<T: Serialize + DeserializeOwned + Debug + 'static> Value for T {}

/// The codec that preserves each of these values, alone and among other fields. `same` compares the values as a user
/// would.
fn codec<T: Value>(values: &[T], same: impl Fn(&T, &T) -> bool) -> Codec {
    let holds = |format| values.iter().all(|value| holds(format, value, &same));
    match (holds(Format::Bincode), holds(Format::Json)) {
        (true, _) => Codec::Default,
        (false, true) => Codec::Json,
        (false, false) => Codec::Neither,
    }
}

/// Whether the value can be written. Asserts that a written value is read back.
fn holds<T: Value>(format: Format, value: &T, same: impl Fn(&T, &T) -> bool) -> bool {
    let stored = Stored {
        format,
        version: 1,
        migrate: None,
        validate: None,
    };
    let mut bytes = Vec::new();
    if let Err(error) = stored.encode(value, &mut bytes) {
        println!("{}: {format:?}: {error}", std::any::type_name::<T>());
        return false;
    }
    let read: T = stored.decode(&bytes).unwrap();
    assert!(same(&read, value), "{value:?} came back as {read:?}");
    true
}

/// Rows of the table in the documentation: `crate`, type, what it needs.
macro_rules! rows {
    ($($name:ident: $crate_name:literal $ty:literal $codec:ident, [$($value:expr),* $(,)?];)*) => {
        $(
            #[test]
            fn $name() {
                let same = |a: &_, b: &_| same(a, b);
                assert_eq!(codec(&[$($value),*], same), Codec::$codec);
            }
        )*

        #[test]
        fn the_documentation_says_what_is_tested() {
            let documented = include_str!("../../../starsessions/src/docs/types.md");
            $(
                let row = format!("| {} | {} | {} |", $crate_name, $ty, match Codec::$codec {
                    Codec::Default => "as it is",
                    Codec::Json => "`codec = json`",
                    Codec::Neither => "needs a wrapper",
                });
                assert!(documented.contains(&row), "{row}");
            )*
            let rows = documented.lines().filter(|line| line.starts_with("| ")).count();
            assert_eq!(rows, [$(stringify!($name)),*].len() + HEADINGS);
        }
    };
}

/// The number of lines of the table that are not rows.
const HEADINGS: usize = 1;

/// Compares the `Debug` output, because some types do not implement `PartialEq`.
fn same<T: Debug>(one: &T, other: &T) -> bool {
    format!("{one:?}") == format!("{other:?}")
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::new(1_790_000_000, 123_456_789)
}

fn chrono() -> chrono::DateTime<chrono::Utc> {
    now().into()
}

fn offset() -> time::OffsetDateTime {
    time::OffsetDateTime::from(now())
}

rows! {
    std_numbers: "std" "integers up to 128 bits, floats, `bool`, `char`, `NonZero`" Default, [(u128::MAX, -1_i64, f64::MIN_POSITIVE, '\u{10ffff}', std::num::NonZeroU8::MAX)];
    std_text: "std" "`String`, `Box<str>`, `PathBuf`" Default, [(String::from("ß"), Box::<str>::from("a"), std::path::PathBuf::from("/a"))];
    std_collections: "std" "`Vec`, `HashMap`, `HashSet`, `BTreeMap`, .." Default, [
        (vec![1], HashMap::from([(1, "a".to_owned()), (2, "b".to_owned())]).len()),
        (vec![1, 2], HashSet::from([1, 2, 3]).len()),
    ];
    std_options: "std" "`Option`, also in an `Option`, `Result`, `Box`, tuples, arrays up to 32" Default, [(Some(None::<u8>), Ok::<u8, String>(1), [1_u8; 32])];
    std_time: "std" "`Duration`, `SystemTime`" Default, [(Duration::MAX, now())];
    std_net: "std" "`IpAddr`, `SocketAddr`" Default, [(IpAddr::from([127, 0, 0, 1]), std::net::SocketAddr::from(([127, 0, 0, 1], 80)))];

    chrono_times: "chrono" "`DateTime<Utc>`, `DateTime<FixedOffset>`, `NaiveDate`, `NaiveTime`, .." Default, [(chrono(), chrono().fixed_offset(), chrono().date_naive(), chrono().time(), chrono().naive_utc())];
    chrono_names: "chrono" "`Weekday`, `Month`, also as keys" Default, [(vec![(chrono::Month::May, 1)], std::collections::BTreeMap::from([(1, chrono::Weekday::Sun)]))];
    time_times: "time" "`OffsetDateTime`, `Date`, `Time`, `Duration`, .." Default, [(offset(), offset().date(), offset().time(), time::Duration::MIN, offset().offset(), offset().weekday(), offset().month())];
    jiff_times: "jiff" "`Timestamp`, `Zoned`, `civil::Date`, `Span`, .." Default, [(
        jiff::Timestamp::try_from(now()).unwrap(),
        jiff::Timestamp::try_from(now()).unwrap().in_tz("Europe/Paris").unwrap(),
        jiff::civil::date(2026, 11, 28),
        jiff::SignedDuration::MIN,
        vec![(jiff::Timestamp::UNIX_EPOCH.in_tz("UTC").unwrap(), 1)],
    )];

    uuid: "uuid" "`Uuid`" Default, [uuid::Uuid::from_u128(7)];
    url: "url" "`Url`" Default, [url::Url::parse("https://example.org/ß?a=b#c").unwrap()];
    rust_decimal: "rust_decimal" "`Decimal`" Json, [rust_decimal::Decimal::new(-150, 2), rust_decimal::Decimal::MAX];
    rust_decimal_text: "rust_decimal" "`Decimal` with `serde(with = \"rust_decimal::serde::str\")`" Default, [Price(rust_decimal::Decimal::new(-150, 2))];
    bigdecimal: "bigdecimal" "`BigDecimal`" Json, ["1.50".parse::<bigdecimal::BigDecimal>().unwrap()];
    json_value: "serde_json" "`Value`, `Map`" Json, [serde_json::json!({"a": [1, 2.5, null, {"b": "c"}]}), serde_json::Value::Null];
    json_null: "serde_json" "`Option<Value>` that may be `Some(Null)`" Neither, [Some(serde_json::Value::Null)];
    json_raw: "serde_json" "`Box<RawValue>`" Json, [serde_json::value::RawValue::from_string("{\"a\":1}".to_owned()).unwrap()];
    bson_id: "bson" "`ObjectId`" Json, [bson::oid::ObjectId::from_bytes([7; 12])];
    bson_date: "bson" "`DateTime`" Json, [bson::DateTime::from_millis(1_790_000_000_123)];
    bson_document: "bson" "`Document`, `Bson`" Json, [bson::doc! { "a": 1, "b": { "c": ["d"] } }];

    oauth2_secrets: "oauth2" "`AccessToken`, `CsrfToken`, `PkceCodeVerifier`, `Scope`, .." Default, [Flow {
        csrf: oauth2::CsrfToken::new("state".into()),
        token: oauth2::AccessToken::new("token".into()),
        verifier: oauth2::PkceCodeVerifier::new("verifier".into()),
        scopes: vec![oauth2::Scope::new("openid".into())],
    }];
    oauth2_response: "oauth2" "`BasicTokenResponse`" Json, [token_response()];
    openid_nonce: "openidconnect" "`Nonce`, `SubjectIdentifier`, `IssuerUrl`, .." Default, [(
        openidconnect::Nonce::new("nonce".into()),
        openidconnect::SubjectIdentifier::new("ada".into()),
        openidconnect::IssuerUrl::new("https://example.org".into()).unwrap(),
    )];
    openid_response: "openidconnect" "`CoreTokenResponse`" Json, [serde_json::from_value::<openidconnect::core::CoreTokenResponse>(serde_json::json!({"access_token": "a", "token_type": "bearer"})).unwrap()];
    webauthn_states: "webauthn-rs" "`PasskeyRegistration`, `PasskeyAuthentication`" Json, [passkey_registration()];

    secret: "secrecy" "`SecretString`, exposed by a function for `serde(serialize_with)`" Default, [Secret("secret".to_owned().into())];
    serde_with: "serde_with" "`DisplayFromStr`, `Base64`, `Hex`, `Bytes`, .." Default, [With { number: 7, bytes: vec![1, 2], array: [7; 64] }];
    serde_with_one_or_many: "serde_with" "`OneOrMany`, `PickFirst`" Json, [Many { one: vec![1], many: vec![1, 2] }];
    serde_bytes: "serde_bytes" "`ByteBuf`" Default, [serde_bytes::ByteBuf::from([1, 2])];
    indexmap: "indexmap" "`IndexMap`, `IndexSet`" Default, [(indexmap::IndexMap::from([(2, 'a'), (1, 'b')]), indexmap::IndexSet::from([2, 1]))];
    smallvec: "smallvec" "`SmallVec`" Default, [smallvec::SmallVec::<[u8; 2]>::from_slice(&[1, 2, 3])];
    bytes: "bytes" "`Bytes`" Default, [bytes::Bytes::from_static(b"abc")];
    either: "either" "`Either`" Default, [either::Either::Left(1), either::Either::Right("a".to_owned())];
    either_untagged: "either" "`Either` with `serde(with = \"either::serde_untagged\")`" Json, [Untagged(either::Either::Left(1)), Untagged(either::Either::Right("a".to_owned()))];
    nutype: "nutype" "sanitized and validated newtypes" Default, [Name::try_new(" Ada ").unwrap()];
    bitflags: "bitflags" "flags" Default, [Flags::READ | Flags::WRITE];
}

#[derive(Debug, Serialize, Deserialize)]
struct Price(#[serde(with = "rust_decimal::serde::str")] rust_decimal::Decimal);

#[derive(Debug, Serialize, Deserialize)]
struct Flow {
    csrf: oauth2::CsrfToken,
    token: oauth2::AccessToken,
    verifier: oauth2::PkceCodeVerifier,
    scopes: Vec<oauth2::Scope>,
}

fn token_response() -> oauth2::basic::BasicTokenResponse {
    let token = oauth2::AccessToken::new("token".into());
    let kind = oauth2::basic::BasicTokenType::Bearer;
    oauth2::StandardTokenResponse::new(token, kind, oauth2::EmptyExtraTokenFields {})
}

fn passkey_registration() -> webauthn_rs::prelude::PasskeyRegistration {
    let origin = url::Url::parse("https://example.org").unwrap();
    let builder = webauthn_rs::WebauthnBuilder::new("example.org", &origin).unwrap();
    let webauthn = builder.build().unwrap();
    let user = webauthn_rs::prelude::Uuid::from_u128(7);
    let started = webauthn.start_passkey_registration(user, "ada", "Ada", None);
    started.unwrap().1
}

#[derive(Debug, Serialize, Deserialize)]
struct Secret(#[serde(serialize_with = "expose")] secrecy::SecretString);

fn expose<S: serde::Serializer>(
    secret: &secrecy::SecretString,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secrecy::ExposeSecret::expose_secret(secret))
}

#[serde_with::serde_as]
#[derive(Debug, Serialize, Deserialize)]
struct With {
    #[serde_as(as = "serde_with::DisplayFromStr")]
    number: u32,
    #[serde_as(as = "serde_with::base64::Base64")]
    bytes: Vec<u8>,
    #[serde_as(as = "serde_with::Bytes")]
    array: [u8; 64],
}

#[serde_with::serde_as]
#[derive(Debug, Serialize, Deserialize)]
struct Many {
    #[serde_as(as = "serde_with::OneOrMany<_>")]
    one: Vec<u8>,
    #[serde_as(as = "serde_with::OneOrMany<_>")]
    many: Vec<u8>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Untagged(#[serde(with = "either::serde_untagged")] either::Either<u8, String>);

#[nutype::nutype(
    sanitize(trim, lowercase),
    validate(not_empty, len_char_max = 20),
    derive(Debug, Clone, PartialEq, Serialize, Deserialize)
)]
struct Name(String);

bitflags::bitflags! {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Flags: u8 {
        const READ = 1;
        const WRITE = 2;
    }
}
