//! Every kind of value that a ring makes goes through the same trials: it opens only as its own kind, unchanged, in its
//! own realm, and while its key is accepted.

use std::sync::LazyLock;

use proptest::prelude::*;

#[cfg(feature = "dbsc")]
use super::super::{
    DeviceId,
    device::{PublicKey, open_identifier, open_invitation},
};
use super::super::{
    RowKey, WayKind, mint_csrf_token, open_card, open_cookie, open_flow, seal_cookie, seal_flow,
    sign_cookie, verify_cookie, verify_csrf_token,
};
use super::*;

/// One kind of value that a ring makes. A text is represented by the bytes that its base64 encodes.
struct Kind {
    name: &'static str,
    /// The payload lengths to try.
    lengths: &'static [usize],
    make: fn(&KeyRing, &[u8]) -> Option<Vec<u8>>,
    /// The payload, if the bytes open as the value that was made.
    open: fn(&KeyRing, &[u8]) -> Option<Vec<u8>>,
}

impl Kind {
    fn made(&self, payload: &[u8]) -> Vec<u8> {
        (self.make)(&RING, payload).unwrap()
    }

    fn opens(&self, ring: &KeyRing, bytes: &[u8]) -> bool {
        (self.open)(ring, bytes).is_some()
    }

    /// Payloads, and the values made of them.
    fn samples(&self) -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
        let payloads = self.lengths.iter().map(|len| vec![b'x'; *len]);
        payloads.map(|payload| (self.made(&payload), payload))
    }
}

/// Made once: deriving the keys costs more than opening a token.
pub(super) static RING: LazyLock<KeyRing> = LazyLock::new(|| ring(1));
static TOKEN: LazyLock<Arc<ReferenceToken>> = LazyLock::new(|| mint(1));

/// The session that all values belong to; `None` if the ring does not accept its token.
fn session(ring: &KeyRing) -> Option<Arc<ReferenceToken>> {
    ReferenceToken::parse(TOKEN.encode().as_bytes(), ring, NOW).ok()
}

fn text(raw: &[u8]) -> Vec<u8> {
    encoding::encode(raw).into_bytes()
}

/// A way that carries its successor's row key, which is another one for each way, and a payload.
fn way(kind: WayKind, ring: &KeyRing, payload: &[u8]) -> Option<Vec<u8>> {
    let token = session(ring)?;
    let way = token.succeed(kind, NOW, ring).ok()?;
    let carried = [way.successor.row_key().as_bytes(), payload].concat();
    token.seal_way(&way, &carried).ok()
}

fn follow(kind: WayKind, ring: &KeyRing, bytes: &[u8]) -> Option<Vec<u8>> {
    let (way, carried) = session(ring)?.read_way(bytes, ring, NOW)?;
    let carried = carried.filter(|_| way.kind == kind && way.until == NOW)?;
    let payload = carried.strip_prefix(way.successor.row_key().as_bytes())?;
    Some(payload.to_vec())
}

const LENGTHS: &[usize] = &[0, 1, 2, 15, 16, 17, 33, 100];
const NO_PAYLOAD: &[usize] = &[0];

const KINDS: &[Kind] = &[
    Kind {
        name: "reference",
        lengths: NO_PAYLOAD,
        make: |ring, _| Some(raw(&session(ring)?.encode())),
        open: |ring, bytes| {
            let token = ReferenceToken::parse(&text(bytes), ring, NOW).ok()?;
            // Another secret is another session.
            (token.row_key() == TOKEN.row_key()).then(Vec::new)
        },
    },
    Kind {
        name: "signed cookie",
        lengths: LENGTHS,
        make: |ring, payload| Some(raw(&sign_cookie(ring, HERE, payload))),
        open: |ring, bytes| {
            let opened = verify_cookie(ring, HERE, &text(bytes), NOW).ok()?;
            Some(opened.payload().to_vec())
        },
    },
    Kind {
        name: "sealed cookie",
        lengths: LENGTHS,
        make: |ring, payload| Some(raw(&seal_cookie(ring, HERE, payload).ok()?)),
        open: |ring, bytes| {
            let opened = open_cookie(ring, HERE, &text(bytes), NOW).ok()?;
            Some(opened.payload().to_vec())
        },
    },
    Kind {
        name: "csrf token",
        lengths: NO_PAYLOAD,
        make: |ring, _| Some(raw(&mint_csrf_token(ring, TOKEN.row_key()).ok()?)),
        open: |ring, bytes| {
            let verified = verify_csrf_token(ring, TOKEN.row_key(), &text(bytes), NOW);
            verified.is_ok().then(Vec::new)
        },
    },
    // Under the name of the session's cookie, which no real flow has.
    Kind {
        name: "flow",
        lengths: LENGTHS,
        make: |ring, payload| Some(raw(&seal_flow(ring, HERE.cookie_name, NOW, payload).ok()?)),
        open: |ring, bytes| {
            let (end, payload) = open_flow(ring, HERE.cookie_name, &text(bytes), NOW).ok()?;
            (end == NOW).then_some(payload)
        },
    },
    Kind {
        name: "card",
        lengths: LENGTHS,
        make: |ring, payload| session(ring)?.seal_card(PLACE.namespace, payload).ok(),
        open: |ring, bytes| open_card(ring, PLACE.namespace, TOKEN.row_key(), bytes, NOW).ok(),
    },
    Kind {
        name: "record",
        lengths: LENGTHS,
        make: |ring, payload| seal_record(&session(ring)?.record_key(), &PLACE, payload).ok(),
        open: |ring, bytes| open_record(&session(ring)?.record_key(), &PLACE, bytes).ok(),
    },
    Kind {
        name: "way forward",
        lengths: LENGTHS,
        make: |ring, payload| way(WayKind::Forward, ring, payload),
        open: |ring, bytes| follow(WayKind::Forward, ring, bytes),
    },
    Kind {
        name: "way to the end",
        lengths: LENGTHS,
        make: |ring, payload| way(WayKind::Ending, ring, payload),
        open: |ring, bytes| follow(WayKind::Ending, ring, bytes),
    },
    Kind {
        name: "way to the end of another session",
        lengths: LENGTHS,
        make: |ring, payload| way(WayKind::Anew, ring, payload),
        open: |ring, bytes| follow(WayKind::Anew, ring, bytes),
    },
    #[cfg(feature = "dbsc")]
    Kind {
        name: "identifier",
        lengths: NO_PAYLOAD,
        make: |ring, _| {
            Some(raw(&session(ring)?
                .seal_identifier(&DEVICE, &PUBLIC_KEY)
                .ok()?))
        },
        open: |ring, bytes| {
            let opened = open_identifier(ring, &text(bytes), NOW).ok()?;
            let is_same = opened.device == DEVICE && opened.key == *PUBLIC_KEY;
            (is_same && opened.token.row_key() == TOKEN.row_key()).then(Vec::new)
        },
    },
    #[cfg(feature = "dbsc")]
    Kind {
        name: "invitation",
        lengths: NO_PAYLOAD,
        make: |ring, _| Some(raw(&session(ring)?.seal_invitation(NOW).ok()?)),
        open: |ring, bytes| {
            let opened = open_invitation(ring, &text(bytes), NOW).ok()?;
            let is_same = opened.token.row_key() == TOKEN.row_key();
            (is_same && opened.issued_at == NOW).then(Vec::new)
        },
    },
    #[cfg(feature = "dbsc")]
    Kind {
        name: "challenge",
        lengths: NO_PAYLOAD,
        make: |ring, _| Some(raw(&session(ring)?.seal_challenge(&DEVICE, NOW).ok()?)),
        open: |ring, bytes| {
            let opened = session(ring)?.open_challenge(&DEVICE, &text(bytes)).ok()?;
            (opened.issued_at == NOW).then(Vec::new)
        },
    },
    #[cfg(feature = "dbsc")]
    Kind {
        name: "device cookie",
        lengths: NO_PAYLOAD,
        make: |ring, _| Some(raw(&session(ring)?.device_cookie(&DEVICE, NOW))),
        open: |ring, bytes| {
            let verified = session(ring)?.verify_device_cookie(&DEVICE, &text(bytes));
            (verified == Ok(NOW)).then(Vec::new)
        },
    },
];

#[cfg(feature = "dbsc")]
const DEVICE: DeviceId = DeviceId::from_bytes([7; 16]);
#[cfg(feature = "dbsc")]
static PUBLIC_KEY: LazyLock<PublicKey> = LazyLock::new(|| {
    let (x, y) = frozen::coordinates(1);
    PublicKey::from_coordinates(&x, &y).unwrap_or_else(|_| panic!("a point"))
});

#[test]
fn it_opens_as_long_as_its_key_is_accepted_and_in_no_other_realm() {
    let accepting = |end| ring(2).accept(key(1), end).unwrap();
    let readers = [
        (RING.clone(), true),
        (accepting(None), true),
        (accepting(Some(NOW)), false),
        (ring(2), false),
        (RING.clone().of_realm("", "admin"), false),
        (RING.clone().of_realm("shop", ""), false),
    ];
    for kind in KINDS {
        for (made, payload) in kind.samples() {
            for (place, (reader, opens)) in readers.iter().enumerate() {
                let expected = opens.then_some(&payload);
                let found = (kind.open)(reader, &made);
                assert_eq!(found.as_ref(), expected, "{} {place}", kind.name);
            }
        }
    }
}

/// Both keys are accepted, so only the key id selects one.
#[test]
fn every_changed_bit_is_seen() {
    let both = ring(1).accept(key(2), None).unwrap();
    for kind in KINDS {
        for (made, _) in kind.samples() {
            assert!(kind.opens(&both, &made), "{}", kind.name);
            let mut changed = made.clone();
            for bit in 0..made.len() * 8 {
                changed[bit / 8] ^= 1 << (bit % 8);
                assert!(!kind.opens(&both, &changed), "{} bit {bit}", kind.name);
                changed[bit / 8] = made[bit / 8];
            }
            for id in [ring(2).active().id.0, [0; 4], [0xff; 4]] {
                for place in 0..=1 {
                    changed.clone_from(&made);
                    changed[place..place + 4].copy_from_slice(&id);
                    assert!(!kind.opens(&both, &changed), "{} {id:?}", kind.name);
                }
            }
        }
    }
}

#[test]
fn a_byte_missing_or_too_much_is_seen() {
    for kind in KINDS {
        for (made, _) in kind.samples() {
            for place in 0..made.len() {
                let (before, after) = made.split_at(place);
                for changed in [
                    before.to_vec(),
                    [before, &after[1..]].concat(),
                    [before, &after[..1], after].concat(),
                    [before, &[0], after].concat(),
                ] {
                    assert!(!kind.opens(&RING, &changed), "{} {place}", kind.name);
                }
            }
            for more in 1..50 {
                let longer = [&made[..], &vec![0; more]].concat();
                assert!(!kind.opens(&RING, &longer), "{} {more}", kind.name);
            }
            assert!(!kind.opens(&RING, &made.repeat(2)), "{}", kind.name);
        }
    }
}

/// Tries each value under each version, behind the header of each kind, and without its own.
#[test]
fn nothing_opens_as_something_else() {
    for (i, made_as) in KINDS.iter().enumerate() {
        let made = made_as.made(&[]);
        for (j, opened_as) in KINDS.iter().enumerate() {
            let opens = |bytes: &[u8]| opened_as.opens(&RING, bytes);
            let names = [made_as.name, opened_as.name];
            for version in 0..=0xff {
                let mut labelled = made.clone();
                labelled[0] = version;
                let is_itself = i == j && labelled == made;
                assert_eq!(opens(&labelled), is_itself, "{names:?} {version}");
            }
            for len in [4, 5] {
                let header = &opened_as.made(&[])[..len];
                assert!(!opens(&[header, &made].concat()), "{names:?} behind {len}");
                assert!(!opens(&made[len..]), "{names:?} without {len}");
            }
        }
    }
}

#[test]
fn a_generator_that_fails_makes_nothing() {
    use super::super::random::{self, Script};
    // These kinds need no randomness.
    let draws =
        |kind: &&Kind| !["reference", "signed cookie", "device cookie"].contains(&kind.name);
    for kind in KINDS.iter().filter(draws) {
        for script in [Script::FailFrom(0), Script::Constant(0)] {
            let made = random::with(script, || (kind.make)(&RING, b"payload"));
            assert!(made.is_none(), "{}", kind.name);
        }
    }
}

#[test]
fn a_card_is_of_one_row_and_application() {
    let opens = |namespace, row: &RowKey, sealed: &[u8]| {
        open_card(&RING, namespace, row, sealed, NOW).is_ok()
    };
    // A card that a session under an accepted key has sealed opens, too.
    let accepting = ring(2).accept(key(1), None).unwrap();
    for sealer in [session(&RING), session(&accepting)] {
        let sealed = sealer.unwrap().seal_card("shop", b"Firefox").unwrap();
        assert!(opens("shop", TOKEN.row_key(), &sealed));
        assert!(!opens("shop2", TOKEN.row_key(), &sealed));
        assert!(!opens("shop", mint(2).row_key(), &sealed));
    }
}

proptest! {
    #[test]
    fn any_payload_comes_back(payload: Vec<u8>) {
        for kind in KINDS.iter().filter(|kind| kind.lengths == LENGTHS) {
            prop_assert_eq!((kind.open)(&RING, &kind.made(&payload)), Some(payload.clone()));
        }
    }

    #[test]
    fn no_bytes_open(bytes: Vec<u8>, version in 0..=10_u8) {
        let labelled = [&[version][..], &RING.active().id.0, &bytes].concat();
        for kind in KINDS {
            prop_assert!(!kind.opens(&RING, &bytes));
            prop_assert!(!kind.opens(&RING, &labelled));
        }
    }
}
