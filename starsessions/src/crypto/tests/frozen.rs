//! Vectors that never change: a difference means that deployed cookies and rows stop working.
//!
//! A change of bytes needs a new version byte, and new vectors beside these. Only then:
//! `BLESS=1 cargo test -p starsessions frozen`, and `python3 tests/vectors/oracle.py`, an independent
//! implementation that must make the same bytes.

use std::path::Path;
use std::{env, fs};

use serde_json::{Value, json};

#[cfg(feature = "dbsc")]
use super::super::{
    DeviceId,
    device::{PublicKey, open_identifier, open_invitation},
};
use super::super::{
    RowKey, WayKind, flow_name, mint_csrf_token, mint_flow_state, open_card, open_cookie,
    open_flow, seal_cookie, seal_flow, sign_cookie, verify_cookie, verify_csrf_token,
};
use super::*;

const NAMES: [&str; 4] = ["__Host-Http-id", "__Host-id", "id", "__Secure-session"];
const AUDIENCES: [&str; 4] = ["", "example", "shop-production", "größe"];

/// Lengths from nothing to what a cookie holds.
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
    let token = sign_cookie(&ring(case), binding(case), &payload(case)).unwrap();
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
    let (pepper, secret) = (&token.keys.pepper, &token.secret);
    json!({
        "master": hex(key(case).as_bytes()),
        "key_id": format!("{:?}", ring.active().id),
        "token": *token.encode(),
        "lookup": hex(token.row_key().as_bytes()),
        "record": hex(token.record_key().as_bytes()),
        "forward": hex(pepper.forward_key(secret).as_bytes()),
        "ending": hex(pepper.ending_key(secret).as_bytes()),
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

fn way(case: u64) -> Value {
    let (old, new, payload) = (token(case), token(case + 1), payload(case));
    let kind = [WayKind::Forward, WayKind::Ending][case as usize % 2];
    let until = Timestamp::from_unix_seconds(1_700_000_000 << (case % 8));
    let sealed = seeded(case, || old.seal_way(kind, &new, until, &payload).unwrap());
    json!({
        "master": hex(key(case).as_bytes()),
        "token": *old.encode(),
        "kind": format!("{kind:?}").to_lowercase(),
        "successor_master": hex(key(case + 1).as_bytes()),
        "successor": *new.encode(),
        "until": until.as_unix_seconds(),
        "payload": hex(&payload),
        "sealed": hex(&sealed),
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

fn row(vector: &Value) -> RowKey {
    RowKey::from_bytes(unhex(text(vector, "row")).try_into().unwrap())
}

/// Compares what the code makes now with the file, byte by byte; returns the file's vectors.
fn frozen(name: &str, cases: u64, make: fn(u64) -> Value) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/vectors/{name}.json"));
    let made: Vec<Value> = (0..cases).map(make).collect();
    let made = serde_json::to_string_pretty(&made).unwrap() + "\n";
    if env::var_os("BLESS").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let file = fs::read_to_string(&path).unwrap();
    assert!(
        made == file,
        "the bytes of `{name}` have changed: deployed sessions would end"
    );
    serde_json::from_str(&file).unwrap()
}

fn text<'v>(vector: &'v Value, field: &str) -> &'v str {
    vector[field].as_str().unwrap()
}

fn recorded_ring(vector: &Value) -> KeyRing {
    KeyRing::new(recorded_key(vector, "master"))
}

fn recorded_key(vector: &Value, field: &str) -> Key {
    Key::for_vectors(unhex(text(vector, field)).try_into().unwrap())
}

fn recorded_token(vector: &Value) -> Arc<ReferenceToken> {
    let text = text(vector, "token").as_bytes();
    ReferenceToken::parse(text, &recorded_ring(vector), NOW).unwrap()
}

fn bound(vector: &Value) -> Binding<'_> {
    Binding {
        cookie_name: text(vector, "cookie_name"),
        audience: text(vector, "audience"),
    }
}

#[test]
fn signed_cookies_are_frozen() {
    for vector in frozen("signed", 64, signed) {
        let ring = recorded_ring(&vector);
        let token = text(&vector, "token").as_bytes();
        let opened = verify_cookie(&ring, bound(&vector), token, NOW).unwrap();
        assert_eq!(*opened.payload, unhex(text(&vector, "payload")));
    }
}

#[test]
fn sealed_cookies_are_frozen() {
    for vector in frozen("sealed", 64, sealed) {
        let ring = recorded_ring(&vector);
        let token = text(&vector, "token").as_bytes();
        let opened = open_cookie(&ring, bound(&vector), token, NOW).unwrap();
        assert_eq!(*opened.payload, unhex(text(&vector, "payload")));
    }
}

#[test]
fn derivations_are_frozen() {
    for vector in frozen("derived", 16, derived) {
        let token = recorded_token(&vector);
        assert_eq!(hex(token.row_key().as_bytes()), text(&vector, "lookup"));
    }
}

#[test]
fn records_are_frozen() {
    for vector in frozen("records", 64, record) {
        let place = RecordPlace {
            namespace: text(&vector, "namespace"),
            format: vector["format"].as_u64().unwrap().try_into().unwrap(),
            revision: vector["revision"].as_u64().unwrap(),
        };
        let sealed = unhex(text(&vector, "sealed"));
        let opened = open_record(&recorded_token(&vector).record_key(), &place, &sealed);
        assert_eq!(opened.unwrap(), unhex(text(&vector, "payload")));
    }
}

#[test]
fn cards_are_frozen() {
    for vector in frozen("cards", 16, card) {
        let ring = recorded_ring(&vector);
        let sealed = unhex(text(&vector, "sealed"));
        let opened = open_card(
            &ring,
            text(&vector, "namespace"),
            &row(&vector),
            &sealed,
            NOW,
        );
        assert_eq!(opened.unwrap(), unhex(text(&vector, "card")));
    }
}

#[test]
fn ways_are_frozen() {
    for vector in frozen("ways", 16, way) {
        let kind = match text(&vector, "kind") {
            "forward" => WayKind::Forward,
            _ => WayKind::Ending,
        };
        let sealed = unhex(text(&vector, "sealed"));
        let successor = recorded_key(&vector, "successor_master");
        let ring = recorded_ring(&vector).accept(successor, None).unwrap();
        let way = recorded_token(&vector).open_way(kind, &sealed, &ring, NOW);
        let way = way.unwrap();
        assert_eq!(*way.successor.encode(), text(&vector, "successor"));
        assert_eq!(
            way.until.as_unix_seconds(),
            vector["until"].as_u64().unwrap()
        );
        assert_eq!(way.payload, unhex(text(&vector, "payload")));
    }
}

#[test]
fn csrf_tokens_are_frozen() {
    for vector in frozen("csrf", 16, csrf) {
        let token = text(&vector, "token").as_bytes();
        let ring = recorded_ring(&vector);
        assert!(verify_csrf_token(&ring, &row(&vector), token, NOW).is_ok());
    }
}

#[test]
fn flows_are_frozen() {
    for vector in frozen("flows", 16, flow) {
        let (name, token) = (text(&vector, "name"), text(&vector, "token").as_bytes());
        let opened = open_flow(&recorded_ring(&vector), name, token, NOW).unwrap();
        assert_eq!(opened.0.as_unix_seconds(), vector["end"].as_u64().unwrap());
        assert_eq!(opened.1, unhex(text(&vector, "payload")));
    }
}

#[cfg(feature = "dbsc")]
#[test]
fn tokens_of_devices_are_frozen() {
    for vector in frozen("devices", 16, device) {
        let (ring, token) = (recorded_ring(&vector), recorded_token(&vector));
        let octets = |field| text(&vector, field).as_bytes();
        let at = Timestamp::from_unix_seconds(vector["at"].as_u64().unwrap());
        let named = open_identifier(&ring, octets("identifier"), NOW);
        let named = named.unwrap_or_else(|_| panic!("a name"));
        let [x, y] = ["x", "y"].map(|name| unhex(text(&vector, name)).try_into().unwrap());
        let key = PublicKey::from_coordinates(&x, &y).unwrap_or_else(|_| panic!("a point"));
        assert!(named.key == key);
        assert_eq!(hex(named.device.as_bytes()), text(&vector, "device"));
        assert_eq!(named.token.row_key(), token.row_key());
        let invited = open_invitation(&ring, octets("invitation"), NOW);
        let invited = invited.unwrap_or_else(|_| panic!("an invitation"));
        assert_eq!(invited.issued_at, at);
        assert_eq!(invited.token.row_key(), token.row_key());
        let asked = token.open_challenge(&named.device, octets("challenge"));
        assert_eq!(asked.unwrap().issued_at, at);
        let proved = token.verify_device_cookie(&named.device, octets("cookie"));
        assert_eq!(proved, Ok(at));
    }
}
