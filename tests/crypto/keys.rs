//! Keys and rings through the public interface.

use std::collections::HashSet;
use std::error::Error;
use std::ffi::OsStr;
use std::process::Command;

use proptest::prelude::*;
use starsessions::keys::{Key, KeyError, KeyRingError};
use starsessions::store::RowKey;
use starsessions::{KeyRing, Timestamp};

/// 32 random-looking bytes, different for each seed.
fn bytes(seed: u8) -> [u8; 32] {
    std::array::from_fn(|place| {
        let place = place as u8;
        seed.wrapping_add(place.wrapping_mul(place).wrapping_mul(89)) ^ place.rotate_left(3)
    })
}

/// The key as `openssl rand -base64 32` would print it.
fn text(seed: u8) -> String {
    base64(&bytes(seed))
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bytes
        .chunks(3)
        .flat_map(|chunk| {
            let group = chunk
                .iter()
                .fold(0_u32, |group, byte| group << 8 | u32::from(*byte));
            let group = group << (8 * (3 - chunk.len()));
            (0..4).map(move |place| match place > chunk.len() {
                true => '=',
                false => char::from(ALPHABET[(group >> (18 - 6 * place) & 63) as usize]),
            })
        })
        .collect()
}

fn key_error(text: &str) -> KeyError {
    Key::from_base64(text).unwrap_err()
}

/// The key id, which is how a ring shows its keys.
fn key_id(ring: &KeyRing) -> String {
    let shown = format!("{ring:?}");
    let id = shown.strip_prefix("KeyRing { active: ").unwrap();
    id[..8].to_owned()
}

#[test]
fn either_alphabet_with_or_without_padding_is_the_same_key() {
    for seed in 0..=255 {
        let standard = text(seed);
        let url_safe = standard.replace('+', "-").replace('/', "_");
        let expected = key_id(&KeyRing::new(Key::from_bytes(bytes(seed)).unwrap()));
        for text in [&standard, &url_safe] {
            for text in [text.as_str(), text.trim_end_matches('=')] {
                let ring = KeyRing::new(Key::from_base64(text).unwrap());
                assert_eq!(key_id(&ring), expected);
            }
        }
    }
}

#[test]
fn key_ids_differ() {
    let ids: HashSet<String> = (0..=255)
        .map(|seed| key_id(&KeyRing::parse(&text(seed)).unwrap()))
        .collect();
    assert_eq!(ids.len(), 256);
}

#[test]
fn wrong_lengths() {
    for len in (0..200).filter(|len| *len != 32) {
        let text = base64(&vec![0xa7; len]);
        assert_eq!(key_error(&text), KeyError::Length { bytes: len });
    }
    let enormous = "A".repeat(1 << 20);
    assert_eq!(
        key_error(&enormous),
        KeyError::Encoding {
            characters: 1 << 20
        }
    );
}

#[test]
fn what_is_not_base64() {
    let good = text(1);
    let (start, end) = good.split_at(20);
    for junk in [
        " ", "\n", "\t", "\0", "=", "%", "\"", ".", ":", "é", "\u{ff21}", "🔑",
    ] {
        for text in [
            format!("{junk}{good}"),
            format!("{good}{junk}"),
            format!("{start}{junk}{end}"),
        ] {
            let characters = text.chars().count();
            assert_eq!(
                key_error(&text),
                KeyError::Encoding { characters },
                "{text:?}"
            );
        }
    }
    let mixed = format!("+_{}", &good[2..]);
    assert_eq!(key_error(&mixed), KeyError::Encoding { characters: 44 });
}

/// The last of 43 characters has two unused bits, which must be zero: each key has one text.
#[test]
fn trailing_bits_are_zero() {
    let good = text(1);
    let accepted: Vec<char> = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
        .chars()
        .filter(|last| Key::from_base64(&format!("{}{last}=", &good[..42])).is_ok())
        .collect();
    assert_eq!(accepted.len(), 16);
    assert!(accepted.contains(&good.chars().nth(42).unwrap()));
}

#[test]
fn predictable_keys() {
    let counting: [u8; 32] = std::array::from_fn(|place| place as u8);
    for byte in 0..=255_u8 {
        assert_eq!(Key::from_bytes([byte; 32]).unwrap_err(), KeyError::Pattern);
        for step in 0..=255_u8 {
            let bytes = counting.map(|place| byte.wrapping_add(step.wrapping_mul(place)));
            assert_eq!(Key::from_bytes(bytes).unwrap_err(), KeyError::Pattern);
        }
    }
    for passphrase in [
        *b"correct horse battery staple 123",
        *b"0123456789abcdef0123456789abcdef",
    ] {
        assert_eq!(Key::from_bytes(passphrase).unwrap_err(), KeyError::Text);
        assert_eq!(key_error(&base64(&passphrase)), KeyError::Text);
    }
}

#[test]
fn the_advised_command_makes_keys() {
    let Ok(output) = Command::new("openssl")
        .args(["rand", "-base64", "32"])
        .output()
    else {
        eprintln!("openssl is not installed: the command of the messages was not tried");
        return;
    };
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(KeyRing::parse(&printed).is_ok());
    assert!(Key::from_base64(printed.trim_end()).is_ok());
}

#[test]
fn a_list_of_keys() {
    let (one, two, three) = (text(1), text(2), text(3));
    let ids = [1, 2, 3].map(|seed| key_id(&KeyRing::parse(&text(seed)).unwrap()));
    let expected = format!(
        "KeyRing {{ active: {}, accepted: [({}, Some(Timestamp(1798761600))), ({}, None)] }}",
        ids[0], ids[1], ids[2],
    );
    for list in [
        format!("{one},{two}@1798761600,{three}"),
        format!("{one} {two}@1798761600 {three}"),
        format!("\n{one}\n{two}@1798761600\r\n\t{three}\n"),
        format!(" , {one} ,, {two}@1798761600, {three},"),
    ] {
        assert_eq!(
            format!("{:?}", KeyRing::parse(&list).unwrap()),
            expected,
            "{list:?}"
        );
    }
    let built = KeyRing::new(Key::from_bytes(bytes(1)).unwrap())
        .accept(
            Key::from_bytes(bytes(2)).unwrap(),
            Some(Timestamp::from_unix_seconds(1_798_761_600)),
        )
        .and_then(|ring| ring.accept(Key::from_bytes(bytes(3)).unwrap(), None))
        .unwrap();
    assert_eq!(format!("{built:?}"), expected);
}

#[test]
fn lists_that_are_none() {
    let (one, two) = (text(1), text(2));
    let error = |list: &str| KeyRing::parse(list).unwrap_err();
    for empty in ["", " ", ",", " ,\n, "] {
        assert!(matches!(error(empty), KeyRingError::Empty));
    }
    assert!(matches!(
        error(&format!("{one}@1798761600")),
        KeyRingError::ActiveEnds
    ));
    for end in [
        "",
        " ",
        "never",
        "+1",
        "-1",
        "1.5",
        "1e9",
        "18446744073709551616",
        "2027-01-01",
        "1@2",
    ] {
        let error = error(&format!("{one},{two}@{end}"));
        assert!(matches!(error, KeyRingError::Deadline { item: 2 }), "{end}");
    }
    assert!(matches!(
        error(&format!("{one},{one}")),
        KeyRingError::Duplicate { item: 2 }
    ));
    let unpadded = one.trim_end_matches('=');
    assert!(matches!(
        error(&format!("{two} {one} {unpadded}@7")),
        KeyRingError::Duplicate { item: 3 }
    ));
    let source = KeyError::Encoding { characters: 3 };
    assert!(matches!(
        error(&format!("{one},???,{two}")),
        KeyRingError::Key { item: 2, source: found } if found == source
    ));
    let nine: Vec<String> = (1..=9).map(text).collect();
    assert!(KeyRing::parse(&nine[..8].join(",")).is_ok());
    assert!(matches!(error(&nine.join(",")), KeyRingError::Full));
}

const VARIABLE: &str = "STARSESSIONS_TEST_KEYS";

/// Setting a variable of a running process is unsafe, so this test runs a copy of itself with the variable.
#[test]
fn the_environment() {
    if std::env::var_os(VARIABLE).is_some() {
        match KeyRing::from_env(VARIABLE) {
            Ok(ring) => println!("answer: {ring:?}"),
            Err(error) => println!("answer: {error} / {error:?}"),
        }
        return;
    }
    let ask = |value: &OsStr| {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "keys::the_environment", "--nocapture"])
            .env(VARIABLE, value)
            .output()
            .unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let (_, answer) = printed.split_once("answer: ").unwrap();
        answer.lines().next().unwrap().to_owned()
    };
    let good = format!("{}, {}", text(1), text(2));
    assert_eq!(
        ask(good.as_ref()),
        format!("{:?}", KeyRing::parse(&good).unwrap())
    );

    let wrong = "hunter2+hunter2+hunter2";
    let answer = ask(format!("{},{wrong}", text(1)).as_ref());
    for said in [
        VARIABLE,
        "key 2",
        "23 characters",
        "openssl rand -base64 32",
    ] {
        assert!(answer.contains(said), "{said}: {answer}");
    }
    assert!(
        !answer.contains("hunter") && !answer.contains(&text(1)[..6]),
        "{answer}"
    );
    assert!(ask("".as_ref()).starts_with(&format!("{VARIABLE}: there is no key")));
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        let answer = ask(OsStr::from_bytes(b"hunter2\xff"));
        assert!(
            answer.starts_with(&format!("{VARIABLE}: it is not text")),
            "{answer}"
        );
        assert!(!answer.contains("hunter"), "{answer}");
    }
}

/// No message and no `Debug` output contains the value or a part of it.
#[test]
fn errors_never_show_a_key() {
    let secret = text(1);
    let spoilt = [
        secret[1..].to_owned(),
        format!("{secret}x"),
        secret.replace('=', "!"),
        format!("{secret}@soon"),
        format!("{},{secret}@soon", text(2)),
        format!("{secret},{secret}"),
        format!("{} {}", text(2), &secret[..30]),
    ];
    for text in spoilt {
        let error = KeyRing::parse(&text).unwrap_err();
        assert!(error.source().is_none(), "the message says it already");
        let shown = format!("{error} {error:?}");
        let leaks = secret
            .as_bytes()
            .windows(6)
            .any(|part| shown.as_bytes().windows(6).any(|shown| shown == part));
        assert!(!leaks, "{shown}");
    }
}

#[test]
fn debug_shows_no_key() {
    let key = Key::from_bytes(bytes(1)).unwrap();
    assert_eq!(format!("{key:?} {key:#?}"), "Key(..) Key(..)");
    let row = RowKey::from_bytes(bytes(1));
    assert_eq!(format!("{row:?}").len(), "RowKey(01234567..)".len());
}

#[test]
fn generated_keys_are_accepted_and_different() {
    let ids: HashSet<String> = (0..100)
        .map(|_| key_id(&KeyRing::generate().unwrap()))
        .collect();
    assert!(ids.len() >= 99);
}

#[test]
fn row_keys_order_as_their_bytes() {
    let rows = [[0; 32], [1; 32], bytes(1)];
    for one in rows {
        assert_eq!(*RowKey::from_bytes(one).as_bytes(), one);
        for other in rows {
            let order = RowKey::from_bytes(one).cmp(&RowKey::from_bytes(other));
            assert_eq!(order, one.cmp(&other));
        }
    }
}

proptest! {
    #[test]
    fn no_text_panics(text: String, list in "[A-Za-z0-9+/=@, ]{0,200}") {
        let _ = Key::from_base64(&text).is_ok();
        let _ = KeyRing::parse(&text).is_ok();
        let _ = KeyRing::parse(&list).is_ok();
    }

    #[test]
    fn random_bytes_are_a_key(bytes in prop::array::uniform32(any::<u8>())) {
        let printable = bytes.iter().all(|byte| (b' '..=b'~').contains(byte));
        let steps: HashSet<u8> = bytes.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
        prop_assert_eq!(Key::from_bytes(bytes).is_ok(), !printable && steps.len() > 1);
        prop_assert_eq!(Key::from_base64(&base64(&bytes)).is_ok(), !printable && steps.len() > 1);
    }
}
