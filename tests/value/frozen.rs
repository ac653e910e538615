//! Fingerprints and bytes that are in stores already. A failure here means that a new release
//! would not recognise the sessions of the old one.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use crate::support::{bincode, encode, fingerprint, json, types};

types! {
    struct UserId(u64);
    struct Unit;
    struct Money(i64, String);
    struct Item { name: String, price: Money, tags: Vec<String>, #[serde(alias = "sku")] number: Option<u32> }
    struct Cart { items: Vec<Item>, owner: Option<UserId>, state: State, notes: HashMap<String, Box<Item>> }
    enum State { #[default] Open, Paid(u64), Sent(u64, String), Lost { since: Duration } }
}

#[test]
fn fingerprints() {
    let found = [
        fingerprint(&0_u64),
        fingerprint(&String::new()),
        fingerprint(&Vec::<u8>::new()),
        fingerprint(&Some((true, 'x', 1.5_f32))),
        fingerprint(&[0_u8; 32]),
        fingerprint(&BTreeMap::from([(0_i16, [0_i32; 3])])),
        fingerprint(&UserId::default()),
        fingerprint(&Unit),
        fingerprint(&Money::default()),
        fingerprint(&Item::default()),
        fingerprint(&Cart::default()),
        fingerprint(&State::default()),
        fingerprint(&uuid::Uuid::nil()),
        fingerprint(&SystemTime::UNIX_EPOCH),
        fingerprint(&IpAddr::from([127, 0, 0, 1])),
    ];
    assert_eq!(found.map(|number| format!("{number:08x}")), FINGERPRINTS);
}

#[test]
fn bytes() {
    let item = Item {
        name: "tea".to_owned(),
        price: Money(-300, "EUR".to_owned()),
        tags: vec!["green".to_owned()],
        number: Some(70_000),
    };
    let cart = Cart {
        items: vec![item.clone()],
        owner: Some(UserId(7)),
        state: State::Lost {
            since: Duration::from_millis(1500),
        },
        notes: HashMap::from([("first".to_owned(), Box::new(item))]),
    };
    let hex = |bytes: Vec<u8>| -> String { bytes.iter().map(|b| format!("{b:02x}")).collect() };
    assert_eq!(hex(encode(&bincode(), &cart).unwrap()), BINCODE);
    let bytes = encode(&json(), &cart).unwrap();
    assert_eq!(bytes, [b"\x02\x01", JSON.as_bytes()].concat());
}

const FINGERPRINTS: [&str; 15] = [
    "4c717ca7", "9ecd091b", "2256c740", "32437c42", "f64a1c6b", "68bce718", "858d6ff7", "9f992fe5",
    "af771698", "fce7ee13", "afeb47c1", "d83f595a", "e5582695", "0a35eae0", "0f17f017",
];

const BINCODE: &str = "0101c147ebaf0103746561fb5702034555520105677265656e01fc7011010001070301fc0065cd1d0105666972737403746561fb5702034555520105677265656e01fc70110100";

const JSON: &str = r#"{"items":[{"name":"tea","price":[-300,"EUR"],"tags":["green"],"number":70000}],"owner":7,"state":{"Lost":{"since":{"secs":1,"nanos":500000000}}},"notes":{"first":{"name":"tea","price":[-300,"EUR"],"tags":["green"],"number":70000}}}"#;
