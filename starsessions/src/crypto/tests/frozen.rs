//! Vectors that never change: a difference means that deployed cookies and rows stop working.
//!
//! A change of bytes needs a new version byte, and new vectors beside these. Only then:
//! `BLESS=1 cargo test -p starsessions frozen`.

use std::path::Path;
use std::{env, fs};

use serde_json::{Value, json};

use super::super::random::{self, Script};
use super::super::{
    ReferenceToken, RowKey, mint_forgery_token, open_cookie, open_label, seal_cookie, sign_cookie,
    verify_cookie, verify_forgery_token,
};
use super::*;

const NAMES: [&str; 4] = ["__Host-Http-id", "__Host-id", "id", "__Secure-session"];
const AUDIENCES: [&str; 4] = ["", "example", "shop-production", "größe"];

/// Runs with random bytes that are the same for the same case.
fn seeded<T>(case: u64, make: impl FnOnce() -> T) -> T {
    random::with(
        Script::Seeded {
            seed: case,
            calls: 0,
        },
        make,
    )
}

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

fn derived(case: u64) -> Value {
    let ring = ring(case);
    let token = seeded(case, || ReferenceToken::mint(&ring).unwrap());
    let successor = seeded(case + 1, || ReferenceToken::mint(&ring).unwrap());
    json!({
        "master": hex(key(case).as_bytes()),
        "key_id": format!("{:?}", ring.active().id),
        "token": *token.encode(),
        "lookup": hex(token.row_key().as_bytes()),
        "record_key": hex(token.record_key().as_bytes()),
        "log_id": token.log_id().to_string(),
        "csrf": hex(&*token.csrf_token()),
        "subject": hex(ring.index_key("shop", "login.user", b"17").as_bytes()),
        "forward": hex(&seeded(case, || token.seal_forward(&successor).unwrap())),
    })
}

/// Every other field has an end of its own.
fn timed_place<'a>(case: u64, namespace: &'a str, field: &'a str) -> FieldPlace<'a> {
    let end = Timestamp::from_unix_seconds(1_700_000_600 + case);
    FieldPlace {
        created_at: Timestamp::from_unix_seconds(1_700_000_000 + case),
        expires_at: (case % 2 == 1).then_some(end),
        ..place(namespace, field)
    }
}

fn field(case: u64) -> Value {
    let token = seeded(case, || ReferenceToken::mint(&ring(case)).unwrap());
    let (namespace, field, value) = (AUDIENCES[case as usize % 4], "shop.cart", payload(case));
    let sealed = seeded(case, || {
        token
            .record_key()
            .seal_field(&timed_place(case, namespace, field), &value)
            .unwrap()
    });
    json!({
        "master": hex(key(case).as_bytes()),
        "token": *token.encode(),
        "namespace": namespace,
        "field": field,
        "created_at": timed_place(case, namespace, field).created_at.as_unix_seconds(),
        "expires_at": timed_place(case, namespace, field).expires_at.map(Timestamp::as_unix_seconds),
        "value": hex(&value),
        "sealed": hex(&sealed),
    })
}

fn label(case: u64) -> Value {
    let token = seeded(case, || ReferenceToken::mint(&ring(case)).unwrap());
    let here = place(AUDIENCES[case as usize % 4], ".label");
    let text = payload(case);
    let sealed = seeded(case, || {
        token.record_key().seal_label(&here, &text).unwrap()
    });
    json!({
        "master": hex(key(case).as_bytes()),
        "row": hex(token.row_key().as_bytes()),
        "namespace": here.namespace,
        "created_at": here.created_at.as_unix_seconds(),
        "label": hex(&text),
        "sealed": hex(&sealed),
    })
}

fn forgery(case: u64) -> Value {
    let token = seeded(case, || ReferenceToken::mint(&ring(case)).unwrap());
    let row = token.row_key();
    let masked = seeded(case, || mint_forgery_token(&ring(case), row).unwrap());
    json!({
        "master": hex(key(case).as_bytes()),
        "row": hex(row.as_bytes()),
        "token": *masked,
    })
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
    let master = unhex(text(vector, "master")).try_into().unwrap();
    KeyRing::new(Key::for_vectors(master))
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
        let ring = recorded_ring(&vector);
        let token = ReferenceToken::parse(text(&vector, "token").as_bytes(), &ring, NOW).unwrap();
        let forward = unhex(text(&vector, "forward"));
        assert!(token.open_forward(&forward, &ring, NOW).is_ok());
    }
}

#[test]
fn fields_are_frozen() {
    for vector in frozen("fields", 64, field) {
        let ring = recorded_ring(&vector);
        let token = ReferenceToken::parse(text(&vector, "token").as_bytes(), &ring, NOW).unwrap();
        let place = FieldPlace {
            created_at: Timestamp::from_unix_seconds(vector["created_at"].as_u64().unwrap()),
            expires_at: vector["expires_at"]
                .as_u64()
                .map(Timestamp::from_unix_seconds),
            ..place(text(&vector, "namespace"), text(&vector, "field"))
        };
        let sealed = unhex(text(&vector, "sealed"));
        let opened = token.record_key().open_field(&place, &sealed);
        assert_eq!(*opened.unwrap(), unhex(text(&vector, "value")));
    }
}

#[test]
fn labels_are_frozen() {
    for vector in frozen("labels", 16, label) {
        let here = FieldPlace {
            created_at: Timestamp::from_unix_seconds(vector["created_at"].as_u64().unwrap()),
            ..place(text(&vector, "namespace"), ".label")
        };
        let sealed = unhex(text(&vector, "sealed"));
        let ring = recorded_ring(&vector);
        let opened = open_label(&ring, &row(&vector), &here, &sealed, NOW);
        assert_eq!(*opened.unwrap(), unhex(text(&vector, "label")));
    }
}

#[test]
fn forgery_tokens_are_frozen() {
    for vector in frozen("forgery", 16, forgery) {
        let token = text(&vector, "token").as_bytes();
        let ring = recorded_ring(&vector);
        assert!(verify_forgery_token(&ring, &row(&vector), token, NOW).is_ok());
    }
}
