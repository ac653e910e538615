//! The bytes in front of a value, and the errors when they are wrong.

use starsessions::__private::{Format, Stored};
use starsessions::value::{Flaw, Invalid, OldValue, ValueError};

use crate::support::{bincode, encode, json, types};

types! {
    struct Cart { items: Vec<String>, count: u32 }
    struct OldCart { items: String }
}

fn cart() -> Cart {
    Cart {
        items: vec!["tea".to_owned()],
        count: 1,
    }
}

fn versioned(version: u32) -> Stored<Cart> {
    Stored {
        version,
        migrate: Some(|old: OldValue<'_>| match old.version() {
            1 => Ok(Cart {
                items: vec![old.decode::<OldCart>()?.items],
                count: 1,
            }),
            2 => old.decode(),
            _ => Err(ValueError::migration("no longer supported")),
        }),
        validate: Some(|cart| {
            if cart.count > 9 {
                return Err(Invalid::new("too many items"));
            }
            Ok(())
        }),
        ..bincode()
    }
}

#[test]
fn bytes_of_both_formats_are_what_they_were_always() {
    let bytes = encode(&bincode(), &7_u64).unwrap();
    let (head, payload) = bytes.split_at(6);
    assert_eq!(head.split_at(2).0, [1, 1]);
    assert_eq!(payload, [7]);
    assert_eq!(encode(&json(), &7_u64).unwrap(), *b"\x02\x017");
}

#[test]
fn appends_and_leaves_the_rest_alone() {
    let mut bytes = vec![9];
    bincode().encode(&cart(), &mut bytes).unwrap();
    assert_eq!(
        bytes.split_first(),
        Some((&9, &*encode(&bincode(), &cart()).unwrap()))
    );

    let before = bytes.clone();
    let refused = bincode().encode(&vec![0_u8; 70_000], &mut bytes);
    assert_eq!(refused, Err(ValueError::TooLarge { limit: 65_536 }));
    assert_eq!(bytes, before);
    let lost = json().encode(&f64::NAN, &mut bytes);
    assert!(
        matches!(lost, Err(ValueError::NoRoundTrip { .. })),
        "{lost:?}"
    );
    assert_eq!(bytes, before);
}

#[test]
fn a_value_may_take_64_kib_and_not_a_byte_more() {
    fn longest<T: crate::support::Value>(
        stored: &Stored<T>,
        make: impl Fn(usize) -> T,
        overhead: usize,
    ) {
        let longest = 65_536 - overhead;
        let bytes = encode(stored, &make(longest)).unwrap();
        assert_eq!(bytes.len(), 65_536);
        assert!(stored.decode(&bytes).is_ok());
        let too_large = Err(ValueError::TooLarge { limit: 65_536 });
        assert_eq!(encode(stored, &make(longest + 1)), too_large);
        let mut longer = bytes;
        longer.push(b' ');
        assert_eq!(stored.decode(&longer).map(|_| Vec::new()), too_large);
    }
    // Envelope 2 bytes; bincode: fingerprint 4, length 3; JSON: quotes.
    longest(&bincode(), |length| "x".repeat(length), 9);
    longest(&json(), |length| "x".repeat(length), 4);
}

#[test]
fn every_integer_that_fits_is_read_again() {
    // bincode charges the full width of an integer against the limit, although a small one takes one byte.
    let numbers = vec![1_u128; 65_536 - 9];
    let bytes = encode(&bincode(), &numbers).unwrap();
    assert_eq!(bincode::<Vec<u128>>().decode(&bytes), Ok(numbers));
}

#[test]
fn a_changed_codec_still_reads_what_was_stored() {
    let bytes = encode(&bincode(), &cart()).unwrap();
    assert_eq!(json::<Cart>().decode(&bytes), Ok(cart()));
    let bytes = encode(&json(), &cart()).unwrap();
    assert_eq!(bincode::<Cart>().decode(&bytes), Ok(cart()));
}

#[test]
fn an_unknown_format_is_named() {
    for found in (0..=u8::MAX).filter(|format| ![1, 2].contains(format)) {
        let result = bincode::<u8>().decode(&[found, 1, 0, 0, 0, 0, 0]);
        assert_eq!(result, Err(ValueError::UnknownFormat { found }));
    }
}

#[test]
fn a_damaged_envelope_is_malformed() {
    for bytes in [
        &[][..],
        &[1],
        &[1, 0x80],
        &[1, 0x80, 0x00, 0, 0, 0, 0],
        &[1, 0x81, 0x80, 0x00, 0, 0, 0, 0],
        &[1, 0xff, 0xff, 0xff, 0xff, 0x1f, 0, 0, 0, 0],
        &[1, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0],
        &[1, 1, 0, 0, 0],
        &[2],
    ] {
        let result = bincode::<()>().decode(bytes);
        assert_eq!(result, Err(ValueError::MalformedEnvelope), "{bytes:?}");
    }
}

#[test]
fn cut_and_trailing_bytes_are_refused() {
    for stored in [bincode::<Cart>(), json()] {
        let bytes = encode(&stored, &cart()).unwrap();
        for length in 0..bytes.len() {
            let cut = bytes.get(..length).unwrap();
            assert!(stored.decode(cut).is_err(), "{length} bytes");
        }
        let longer = [&bytes[..], b"0"].concat();
        let result = stored.decode(&longer);
        let expected = Flaw::TrailingBytes;
        assert!(
            matches!(&result, Err(ValueError::Undecodable { flaw, .. }) if *flaw == expected),
            "{result:?}"
        );
    }
}

#[test]
fn an_older_version_is_migrated() {
    let old = OldCart {
        items: "tea".to_owned(),
    };
    let bytes = encode(&bincode(), &old).unwrap();
    assert_eq!(versioned(3).decode(&bytes), Ok(cart()));
    assert_eq!(versioned(300).decode(&bytes), Ok(cart()));

    let bytes = encode(&versioned(2), &cart()).unwrap();
    assert_eq!(versioned(3).decode(&bytes), Ok(cart()));
}

#[test]
fn a_migration_recognises_what_is_not_the_old_type() {
    let bytes = encode(&bincode(), &"tea".to_owned()).unwrap();
    let result = versioned(3).decode(&bytes);
    assert!(
        matches!(result, Err(ValueError::OtherShape { .. })),
        "{result:?}"
    );
}

#[test]
fn a_migration_may_fail_and_its_result_is_validated() {
    let bytes = encode(&versioned(3), &cart()).unwrap();
    let reason = "no longer supported".into();
    assert_eq!(
        versioned(4).decode(&bytes),
        Err(ValueError::Migration { reason })
    );

    let too_many = Cart {
        count: 10,
        ..cart()
    };
    let bytes = encode(&versioned(2), &too_many).unwrap();
    let invalid = Invalid::new("too many items");
    let refused = Err(ValueError::Invalid(invalid.clone()));
    assert_eq!(versioned(3).decode(&bytes), refused);
    assert_eq!(versioned(2).decode(&bytes), refused);
    assert_eq!(versioned(2).check_validity(&too_many), Err(invalid));
}

#[test]
fn versions_without_a_way_are_refused() {
    let bytes = encode(&versioned(200), &cart()).unwrap();
    let (found, known) = (200, 3);
    let newer = Err(ValueError::NewerVersion { found, known });
    assert_eq!(versioned(3).decode(&bytes), newer);

    let bytes = encode(&bincode(), &cart()).unwrap();
    let stored = Stored {
        version: 2,
        ..bincode::<Cart>()
    };
    let (found, known) = (1, 2);
    assert_eq!(
        stored.decode(&bytes),
        Err(ValueError::NoMigration { found, known })
    );
}

#[test]
fn no_error_quotes_the_value() {
    const SECRET: &str = "correct horse battery staple";

    let text = encode(&json(), &SECRET.to_owned()).unwrap();
    let map = encode(&json(), &[(SECRET.to_owned(), SECRET.to_owned())]).unwrap();
    let mut errors = vec![
        json::<u32>().decode(&text).unwrap_err(),
        json::<Cart>().decode(&map).unwrap_err(),
        json::<std::net::IpAddr>().decode(&text).unwrap_err(),
        json::<Quoting>().decode(&text).unwrap_err(),
        encode(&json(), &Quoting(SECRET.to_owned())).unwrap_err(),
        encode(&bincode(), &Quoting(SECRET.to_owned())).unwrap_err(),
    ];
    let mut text = encode(&bincode(), &SECRET.to_owned()).unwrap();
    errors.push(bincode::<Quoting>().decode(&text).unwrap_err());
    *text.last_mut().unwrap() = 0xff;
    errors.push(bincode::<String>().decode(&text).unwrap_err());
    for error in errors {
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("horse"), "{shown}");
    }
    let old = format!("{:?} {:?}", bincode::<String>(), Format::Json);
    assert!(old.contains("String"));
}

/// Quotes its value in every error.
#[derive(Debug)]
struct Quoting(String);

impl serde::Serialize for Quoting {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom(&self.0))
    }
}

impl<'de> serde::Deserialize<'de> for Quoting {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Err(serde::de::Error::custom(text))
    }
}
