//! Cookies that carry their session: bound to their name and audience, of a length that browsers keep, and in no
//! spelling but their own.

use super::super::self_contained::Opened;
use super::super::token::{HEADER_LEN, KeyId, Version, header};
use super::super::{SealError, open_cookie, seal_cookie, sign_cookie, verify_cookie};
use super::kinds::RING;
use super::*;

struct Mode {
    make: fn(&KeyRing, Binding<'_>, &[u8]) -> Result<String, SealError>,
    open: fn(&KeyRing, Binding<'_>, &[u8], Timestamp) -> Result<Opened, InvalidToken>,
    /// The octets of a cookie beside its header and its payload.
    overhead: usize,
}

const SEALED: Mode = Mode {
    make: seal_cookie,
    open: open_cookie,
    overhead: 40,
};

const SIGNED: Mode = Mode {
    make: |ring, binding, payload| Ok(sign_cookie(ring, binding, payload)),
    open: verify_cookie,
    overhead: 32,
};

impl Mode {
    fn made(&self, payload: &[u8]) -> String {
        (self.make)(&RING, HERE, payload).unwrap()
    }

    fn opens(&self, text: &[u8]) -> bool {
        (self.open)(&RING, HERE, text, NOW).is_ok()
    }
}

/// A letter that moves between name and audience makes another binding.
#[test]
fn a_cookie_opens_only_where_name_audience_mode_and_key_agree() {
    let rings = [ring(1), ring(2)];
    let bindings = [
        ("id", "example"),
        ("ide", "xample"),
        ("i", "dexample"),
        ("", "idexample"),
        ("id", "dexample"),
        ("i", "example"),
    ];
    let bindings = bindings.map(|(cookie_name, audience)| Binding {
        cookie_name,
        audience,
    });
    let modes = rings
        .iter()
        .flat_map(|ring| [(ring, SEALED), (ring, SIGNED)]);
    let places: Vec<_> = modes
        .flat_map(|(ring, mode)| bindings.map(|binding| (ring, mode.make, mode.open, binding)))
        .collect();
    for len in [0, 1, 16, 99] {
        for (i, (ring, make, _, binding)) in places.iter().enumerate() {
            let text = make(ring, *binding, &vec![b'd'; len]).unwrap();
            for (j, (ring, _, open, binding)) in places.iter().enumerate() {
                let opened = open(ring, *binding, text.as_bytes(), NOW);
                assert_eq!(opened.is_ok(), i == j, "{i} {j}");
            }
        }
    }
}

#[test]
fn two_cookies_cannot_be_spliced() {
    for mode in [SEALED, SIGNED] {
        for len in 0..64 {
            let cookies = [b'a', b'b'].map(|byte| raw(&mode.made(&vec![byte; len])));
            for place in HEADER_LEN + 1..cookies[0].len() {
                let spliced = [&cookies[0][..place], &cookies[1][place..]].concat();
                // With equal payloads a cookie may be equal to its splice.
                let is_own = cookies.contains(&spliced);
                assert_eq!(mode.opens(encoding::encode(&spliced).as_bytes()), is_own);
            }
        }
    }
}

/// Values of other libraries, past and present, and of no format: no fallback decoder accepts them.
#[test]
fn downgrades() {
    let foreign: [&[u8]; 28] = [
        b"",
        b"null",
        b"{}",
        br#"{"user":1,"admin":true}"#,
        b"eyJ1c2VyIjoxLCJhZG1pbiI6dHJ1ZX0",
        b"eyJ1c2VyIjoxLCJhZG1pbiI6dHJ1ZX0=",
        b"eyJhbGciOiJub25lIn0.eyJ1c2VyIjoxfQ.",
        b"eyJhbGciOiJOb25lIiwidHlwIjoiSldUIn0.eyJ1c2VyIjoxfQ.AAAA",
        b"eyJhbGciOiJIUzI1NiJ9.eyJ1c2VyIjoxfQ.c2lnbmF0dXJl",
        b"eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA",
        b"gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==",
        b"eyJfaWQiOjF9.ZxqQxw.R9TQ5mIR3vrpVdVJ1mRlN6u0J9E",
        b".eJyrVspMUbIyqgUADcICpQ.ZxqQxw.AAAAAAAAAAAAAAAAAAAAAAAAAAA",
        b"v4.local.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        b"v4.public.eyJ1c2VyIjoxfQ",
        b"s%3Aabcdef.0123456789",
        b"s:abcdef.RJp0GqhiyuvDS0dq6RGEZQ",
        b"BAh7BkkiCXVzZXIGOgZFVGkG--3b2a",
        b"BAh7BkkiCXVzZXIGOgZFVGkG",
        b"gASVCwAAAAAAAACMBHVzZXKUSwGGlC4",
        b"rO0ABXNyABFqYXZhLnV0aWwuSGFzaE1hcA",
        b"gaR1c2VyAQ",
        b"a:1:{s:4:\"user\";i:1;}",
        b"QaBz0mDkFzDDZ9wqI2ZTt3Y=userid",
        b"870S4BYjk7NvyViEjUNsTEmGXbARAX9PamXZg0b3JyeIdGyZkFJhNsOQW6m0K9KnXt3ZUBqDB6hF4",
        b"00000000-0000-0000-0000-000000000000",
        b"0123456789abcdef0123456789abcdef",
        b"deleted",
    ];
    // Behind our own headers, as an attacker who has seen one of our cookies would try.
    let ours = RING.active().id;
    let headers = [
        &[][..],
        &[1, 0xff, 0x38],
        &header(Version::Signed, ours),
        &header(Version::Sealed, ours),
        &header(Version::Signed, KeyId([0; 4])),
    ];
    for text in foreign {
        let labelled = headers.map(|header| encoding::encode(&[header, text].concat()));
        let texts = labelled.iter().map(String::as_bytes).chain([text]);
        for text in texts {
            assert!(!SEALED.opens(text), "{}", text.escape_ascii());
            assert!(!SIGNED.opens(text), "{}", text.escape_ascii());
            assert!(!ReferenceToken::has_form(text), "{}", text.escape_ascii());
        }
    }
}

#[test]
fn other_spellings_of_base64() {
    // Lengths of every residue, with bytes that give both special characters.
    for len in 0..24 {
        let text = SIGNED.made(&vec![0xfb; len]);
        let spellings = [
            text.replace('-', "+").replace('_', "/"),
            format!("{text}="),
            format!("{text}=="),
            format!(" {text}"),
            format!("{text} "),
            format!("{text}\n"),
            format!("{text}\r\n"),
            format!("{text}\0"),
            format!("\"{text}\""),
            text.replacen('A', "%41", 1),
            text.replacen('A', "\u{0410}", 1),
            text.replacen('A', "\u{ff21}", 1),
            text.to_lowercase(),
            text.to_uppercase(),
            format!("{}\t{}", &text[..4], &text[4..]),
            format!("{}\r\n {}", &text[..4], &text[4..]),
        ];
        for spelling in spellings.into_iter().filter(|spelling| *spelling != text) {
            assert!(!SIGNED.opens(spelling.as_bytes()), "{spelling}");
        }
    }
}

#[test]
fn a_cookie_longer_than_4096_characters_is_not_decoded() {
    for mode in [SEALED, SIGNED] {
        for (len, opens) in [(3_072, true), (3_073, false), (6_000, false)] {
            let text = mode.made(&vec![0; len - HEADER_LEN - mode.overhead]);
            assert_eq!(text.len() <= 4_096, opens, "{len}");
            assert_eq!(mode.opens(text.as_bytes()), opens, "{len}");
        }
    }
}
