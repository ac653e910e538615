//! Vectors that never change: a difference means that deployed cookies and rows stop working.
//!
//! A change of bytes needs a new version byte, and new vectors beside these. Only then run `BLESS=1 cargo test -p
//! starsessions frozen`, and `python3 tests/vectors/oracle.py`, an independent implementation that must make the same
//! bytes. `kinds` tests that these values open.

use std::path::Path;
use std::{env, fs};

use serde_json::{Value, json};

#[cfg(feature = "dbsc")]
use super::super::{DeviceId, device::PublicKey};
use super::super::{
    WayKind, flow_name, mint_csrf_token, mint_flow_state, seal_cookie, seal_flow, sign_cookie,
};
use super::*;

#[test]
fn the_bytes_are_those_of_the_files() {
    for (name, cases, make) in FORMATS {
        let path = format!("../tests/vectors/{name}.json");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        let made: Vec<Value> = (0..*cases).map(make).collect();
        let made = serde_json::to_string_pretty(&made).unwrap() + "\n";
        if env::var_os("BLESS").is_some() {
            fs::write(&path, &made).unwrap();
        }
        assert!(
            made == fs::read_to_string(&path).unwrap(),
            "the bytes of `{name}` have changed: deployed sessions would end"
        );
    }
}

type Make = fn(u64) -> Value;

/// The file of each format, how many vectors it has, and how each is made.
const FORMATS: &[(&str, u64, Make)] = &[
    ("signed", 64, signed),
    ("sealed", 64, sealed),
    ("derived", 16, derived),
    ("records", 64, record),
    ("cards", 16, card),
    ("ways", 16, way),
    ("csrf", 16, csrf),
    ("flows", 16, flow),
    #[cfg(feature = "dbsc")]
    ("devices", 16, device),
];

const NAMES: [&str; 4] = ["__Host-Http-id", "__Host-id", "id", "__Secure-session"];
const AUDIENCES: [&str; 4] = ["", "example", "shop-production", "größe"];

/// Lengths from zero to the capacity of a cookie.
fn payload(case: u64) -> Vec<u8> {
    const LENGTHS: [usize; 16] = [
        0, 1, 2, 3, 8, 15, 16, 17, 31, 32, 33, 64, 100, 256, 1_000, 3_000,
    ];
    let len = LENGTHS[case as usize % LENGTHS.len()];
    seeded(case ^ 0xff00, || {
        let mut bytes = vec![0; len];
        random::system(&mut bytes).unwrap();
        bytes
    })
}

fn binding(case: u64) -> Binding<'static> {
    Binding {
        cookie_name: NAMES[case as usize % 4],
        audience: AUDIENCES[case as usize / 4 % 4],
    }
}

fn cookie(case: u64, token: &str) -> Value {
    let binding = binding(case);
    json!({
        "master": hex(key(case).as_bytes()),
        "cookie_name": binding.cookie_name,
        "audience": binding.audience,
        "payload": hex(&payload(case)),
        "token": token,
    })
}

fn signed(case: u64) -> Value {
    let token = sign_cookie(&ring(case), binding(case), &payload(case));
    cookie(case, &token)
}

fn sealed(case: u64) -> Value {
    let payload = payload(case);
    let token = seeded(case, || {
        seal_cookie(&ring(case), binding(case), &payload).unwrap()
    });
    cookie(case, &token)
}

fn token(case: u64) -> Arc<ReferenceToken> {
    seeded(case, || ReferenceToken::mint(&ring(case)).unwrap())
}

fn derived(case: u64) -> Value {
    let (ring, token) = (ring(case), token(case));
    json!({
        "master": hex(key(case).as_bytes()),
        "key_id": format!("{:?}", ring.active().id),
        "token": *token.encode(),
        "lookup": hex(token.row_key().as_bytes()),
        "record": hex(token.record_key().as_bytes()),
        "carry": hex(token.keys.pepper.carry_key(&token.secret).as_bytes()),
        "log_id": token.fingerprint().to_string(),
        "csrf": hex(&*token.keys.csrf.message(token.row_key()).tag()),
        "subject": hex(ring.index_key("shop", "login.user", b"17").as_bytes()),
        "realm": hex(ring.of_realm("shop", "admin").index_key("shop", "login.user", b"17").as_bytes()),
    })
}

fn place(case: u64) -> RecordPlace<'static> {
    RecordPlace {
        namespace: AUDIENCES[case as usize % 4],
        format: 1 + (case % 3) as u8,
        revision: 1 << case,
    }
}

fn record(case: u64) -> Value {
    let (token, place, payload) = (token(case), place(case), payload(case));
    let sealed = seeded(case, || {
        seal_record(&token.record_key(), &place, &payload).unwrap()
    });
    json!({
        "master": hex(key(case).as_bytes()),
        "token": *token.encode(),
        "namespace": place.namespace,
        "format": place.format,
        "revision": place.revision,
        "payload": hex(&payload),
        "sealed": hex(&sealed),
    })
}

fn card(case: u64) -> Value {
    let (token, namespace, text) = (token(case), place(case).namespace, payload(case));
    let sealed = seeded(case, || token.seal_card(namespace, &text).unwrap());
    json!({
        "master": hex(key(case).as_bytes()),
        "row": hex(token.row_key().as_bytes()),
        "namespace": namespace,
        "card": hex(&text),
        "sealed": hex(&sealed),
    })
}

/// Every second way crosses a change of keys.
fn way(case: u64) -> Value {
    let old = token(case);
    let kind = [WayKind::Forward, WayKind::Ending, WayKind::Anew][case as usize % 3];
    let until = Timestamp::from_unix_seconds(1_700_000_000 << (case % 8));
    let ring = ring(case + case % 2);
    let payload = payload(case);
    let (way, sealed) = seeded(case, || {
        let way = old.succeed(kind, until, &ring).unwrap();
        let sealed = old.seal_way(&way, &payload).unwrap();
        (way, sealed)
    });
    json!({
        "master": hex(key(case).as_bytes()),
        "token": *old.encode(),
        "kind": kind as u8,
        "until": until.as_unix_seconds(),
        "successor_master": hex(key(case + case % 2).as_bytes()),
        "successor": *way.successor.encode(),
        "way": hex(way.as_bytes()),
        "payload": hex(&payload),
        "carried": hex(&sealed[way.as_bytes().len()..]),
    })
}

fn csrf(case: u64) -> Value {
    let token = token(case);
    let row = token.row_key();
    let masked = seeded(case, || mint_csrf_token(&ring(case), row).unwrap());
    json!({
        "master": hex(key(case).as_bytes()),
        "row": hex(row.as_bytes()),
        "token": *masked,
    })
}

fn flow(case: u64) -> Value {
    let (kind, payload) = (AUDIENCES[case as usize / 4 % 4], payload(case));
    let end = Timestamp::from_unix_seconds(1_800_000_000 + (case << 32));
    let (state, token) = seeded(case, || {
        let state = mint_flow_state().unwrap();
        let name = flow_cookie(case, kind, &state);
        let token = seal_flow(&ring(case), &name, end, &payload).unwrap();
        (state, token)
    });
    json!({
        "master": hex(key(case).as_bytes()),
        "cookie_name": NAMES[case as usize % 4],
        "kind": kind,
        "state": state,
        "name": flow_cookie(case, kind, &state),
        "end": end.as_unix_seconds(),
        "payload": hex(&payload),
        "token": token,
    })
}

fn flow_cookie(case: u64, kind: &str, state: &str) -> String {
    format!(
        "{}-flow-{}",
        NAMES[case as usize % 4],
        flow_name(kind, state)
    )
}

#[cfg(feature = "dbsc")]
fn device(case: u64) -> Value {
    let (token, id) = (token(case), device_id(case));
    let (x, y) = coordinates(case);
    let key = PublicKey::from_coordinates(&x, &y).unwrap_or_else(|_| panic!("a point"));
    let at = Timestamp::from_unix_seconds(1_800_000_000 << (case % 8));
    let [identifier, invitation, challenge] = seeded(case, || {
        [
            token.seal_identifier(&id, &key).unwrap(),
            token.seal_invitation(at).unwrap(),
            token.seal_challenge(&id, at).unwrap(),
        ]
    });
    json!({
        "master": hex(super::key(case).as_bytes()),
        "token": *token.encode(),
        "device": hex(id.as_bytes()),
        "x": hex(&x),
        "y": hex(&y),
        "at": at.as_unix_seconds(),
        "identifier": identifier,
        "invitation": invitation,
        "challenge": challenge,
        "cookie": *token.device_cookie(&id, at),
    })
}

#[cfg(feature = "dbsc")]
fn device_id(case: u64) -> DeviceId {
    seeded(!case, || {
        DeviceId::from_bytes(random::random_bytes().unwrap())
    })
}

/// The public half of a key that is the same in every run.
#[cfg(feature = "dbsc")]
pub(super) fn coordinates(case: u64) -> ([u8; 32], [u8; 32]) {
    let private = p256::ecdsa::SigningKey::from_slice(key(case).as_bytes()).unwrap();
    let point = private.verifying_key().to_sec1_point(false);
    let (x, y) = point.as_bytes()[1..].split_at(32);
    (x.try_into().unwrap(), y.try_into().unwrap())
}
