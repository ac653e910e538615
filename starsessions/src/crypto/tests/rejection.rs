//! No text but a token's own opens; `kinds` has the same of the bytes behind it.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::super::stateless::Opened;
use super::super::token::{HEADER_LEN, KeyId, Version, header};
use super::super::{open_cookie, seal_cookie, sign_cookie, verify_cookie};
use super::*;

/// Deriving the keys costs more than opening a token.
static RING: LazyLock<KeyRing> = LazyLock::new(|| ring(1));

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    Reference,
    Sealed,
    Signed,
}

const MODES: [Mode; 3] = [Mode::Reference, Mode::Sealed, Mode::Signed];

impl Mode {
    fn mint(self, ring: &KeyRing, binding: Binding<'_>, payload: &[u8]) -> String {
        match self {
            Self::Reference => ReferenceToken::mint(ring).unwrap().encode().to_string(),
            Self::Sealed => seal_cookie(ring, binding, payload).unwrap(),
            Self::Signed => sign_cookie(ring, binding, payload).unwrap(),
        }
    }

    fn open(
        self,
        ring: &KeyRing,
        binding: Binding<'_>,
        text: &[u8],
    ) -> Result<Vec<u8>, InvalidToken> {
        let payload = |opened: Opened| opened.payload.to_vec();
        match self {
            Self::Reference => ReferenceToken::parse(text, ring, NOW)
                .map(|token| token.row_key().as_bytes().to_vec()),
            Self::Sealed => open_cookie(ring, binding, text, NOW).map(payload),
            Self::Signed => verify_cookie(ring, binding, text, NOW).map(payload),
        }
    }

    fn opens(self, text: &[u8]) -> bool {
        self.open(&RING, HERE, text).is_ok()
    }
}

#[test]
fn a_changed_character() {
    let short = MODES.map(|mode| (mode, mode.mint(&RING, HERE, b"")));
    for (mode, text) in short {
        let original = mode.open(&RING, HERE, text.as_bytes()).unwrap();
        let mut octets = text.clone().into_bytes();
        for place in 0..octets.len() {
            for octet in (0..=0xff).filter(|octet| *octet != text.as_bytes()[place]) {
                octets[place] = octet;
                // Another secret is another session; anything else is nothing.
                let opened = mode.open(&RING, HERE, &octets);
                match mode {
                    Mode::Reference => assert_ne!(opened, Ok(original.clone())),
                    Mode::Sealed | Mode::Signed => assert_eq!(opened, Err(InvalidToken)),
                }
            }
            octets[place] = text.as_bytes()[place];
        }
    }
}

#[test]
fn a_piece_missing_or_too_much() {
    for mode in MODES {
        for len in (0..45).chain([500, 3_000]) {
            let text = mode.mint(&RING, HERE, &vec![b'x'; len]);
            let text = text.as_bytes();
            assert!(mode.opens(text));
            for place in (0..text.len()).step_by(1 + text.len() / 150) {
                let (before, after) = text.split_at(place);
                assert!(!mode.opens(before));
                assert!(!mode.opens(after) || place == 0);
                assert!(!mode.opens(&[before, &after[1..]].concat()));
                assert!(!mode.opens(&[before, &after[..1], after].concat()));
                for inserted in *b"A_=.+ \0" {
                    assert!(!mode.opens(&[before, &[inserted], after].concat()));
                }
            }
            for added in 0..=0xff {
                assert!(!mode.opens(&[text, &[added]].concat()));
                assert!(!mode.opens(&[&[added], text].concat()));
            }
            assert!(!mode.opens(&text.repeat(2)));
        }
    }
}

/// A token opens only where name, audience, mode and key agree.
#[test]
fn the_cross_matrix_has_a_diagonal() {
    let rings = [ring(1), ring(2)];
    let combinations: Vec<_> = (0..16)
        .map(|bits| {
            let choose = |bit: usize| bits >> bit & 1;
            let binding = Binding {
                cookie_name: ["__Host-Http-id", "__Host-Http-i"][choose(0)],
                audience: ["example", "dexample"][choose(1)],
            };
            (
                binding,
                [Mode::Sealed, Mode::Signed][choose(2)],
                &rings[choose(3)],
            )
        })
        .collect();
    for len in 0..100 {
        let payload = vec![b'd'; len];
        for (i, (binding, mode, ring)) in combinations.iter().enumerate() {
            let text = mode.mint(ring, *binding, &payload);
            for (j, (binding, mode, ring)) in combinations.iter().enumerate() {
                let opened = mode.open(ring, *binding, text.as_bytes());
                assert_eq!(opened.is_ok(), i == j, "{i} {j}");
            }
        }
    }
}

/// Moving a letter over the border of two bound strings gives another token.
#[test]
fn bound_strings_do_not_run_together() {
    for mode in [Mode::Sealed, Mode::Signed] {
        let bind = |cookie_name, audience| Binding {
            cookie_name,
            audience,
        };
        let text = mode.mint(&RING, bind("id", "example"), b"payload");
        for other in [
            bind("ide", "xample"),
            bind("i", "dexample"),
            bind("", "idexample"),
        ] {
            assert!(mode.open(&RING, other, text.as_bytes()).is_err());
        }
    }
}

#[test]
fn spliced_tokens() {
    let mut cases = 0;
    for mode in [Mode::Sealed, Mode::Signed] {
        for len in 0..64 {
            let tokens = [b'a', b'b'].map(|byte| raw(&mode.mint(&RING, HERE, &vec![byte; len])));
            for place in HEADER_LEN + 1..tokens[0].len() {
                let spliced = [&tokens[0][..place], &tokens[1][place..]].concat();
                // With equal payloads a token may be equal to its splice.
                if !tokens.contains(&spliced) {
                    assert!(!mode.opens(encoding::encode(&spliced).as_bytes()));
                    cases += 1;
                }
            }
        }
    }
    assert!(cases > 7_000, "{cases}");
}

/// Formats of other libraries, of past and of none: no decoder takes over.
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
    // Under our own headers, as a sender who has seen one of our cookies would try.
    let ours = RING.active().id;
    let headers = [
        &[][..],
        &[1, 0xff, 0x38],
        &header(Version::Signed, ours),
        &header(Version::Sealed, ours),
        &header(Version::Signed, KeyId([0; 4])),
    ];
    for text in foreign {
        for mode in MODES {
            assert!(!mode.opens(text), "{mode:?} {}", text.escape_ascii());
            for header in headers {
                let labelled = encoding::encode(&[header, text].concat());
                assert!(!mode.opens(labelled.as_bytes()), "{mode:?} {labelled}");
            }
        }
    }
}

#[test]
fn other_spellings_of_base64() {
    // Tokens of every residue, and such that both special characters occur.
    for len in 0..24 {
        let text = Mode::Signed.mint(&RING, HERE, &vec![0xfb; len]);
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
            assert!(!Mode::Signed.opens(spelling.as_bytes()), "{spelling}");
        }
    }
}

#[test]
fn lengths_around_the_limits() {
    for len in [1, 5, 49, 51, 4_095, 4_096, 4_097, 8_192, 1 << 20] {
        let text = vec![b'A'; len];
        assert!(MODES.iter().all(|mode| !mode.opens(&text)), "{len}");
    }
    let longest = |mode: Mode, overhead: usize| {
        let payload = vec![0; 3_072 - 5 - overhead];
        let text = mode.mint(&RING, HERE, &payload);
        assert_eq!(text.len(), 4_096);
        assert!(mode.opens(text.as_bytes()));
        [payload, vec![0]].concat()
    };
    assert!(seal_cookie(&ring(1), HERE, &longest(Mode::Sealed, 40)).is_err());
    assert!(sign_cookie(&ring(1), HERE, &longest(Mode::Signed, 32)).is_err());
}

/// Even with a good tag: no cookie that browsers keep is that long, so it is not read at all.
#[test]
fn a_genuine_token_over_the_limit() {
    let keys = RING.active();
    let header = header(Version::Signed, keys.id);
    for (len, opens) in [(3_072, true), (3_073, false), (6_000, false)] {
        let payload = vec![0; len - 5 - 32];
        let tag = keys.cookie_sign.message(HERE, &header, &payload).tag();
        let text = encoding::encode(&[&header[..], &payload, &*tag].concat());
        assert_eq!(Mode::Signed.opens(text.as_bytes()), opens, "{len}");
    }
}

proptest! {
    #[test]
    fn any_payload_comes_back(payload: Vec<u8>, cookie_name: String, audience: String) {
        let binding = Binding { cookie_name: &cookie_name, audience: &audience };
        for mode in [Mode::Sealed, Mode::Signed] {
            let text = mode.mint(&RING, binding, &payload);
            prop_assert_eq!(mode.open(&RING, binding, text.as_bytes()), Ok(payload.clone()));
        }
    }

    #[test]
    fn no_text_opens(text: Vec<u8>, encoded in "[A-Za-z0-9_-]{0,200}") {
        for mode in MODES {
            prop_assert!(!mode.opens(&text));
            prop_assert!(mode == Mode::Reference || !mode.opens(encoded.as_bytes()));
        }
    }
}
