//! Marks and bytes that stores already contain. A failure here means that a new release would not recognise sessions of
//! the old one.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use crate::support::{bincode, encode, json, mark, types};

types! {
    struct UserId(u64);
    struct Unit;
    struct Money(i64, String);
    struct Item { name: String, price: Money, tags: Vec<String>, #[serde(alias = "sku")] number: Option<u32> }
    struct Cart { items: Vec<Item>, owner: Option<UserId>, state: State, notes: HashMap<String, Box<Item>> }
    enum State { #[default] Open, Paid(u64), Sent(u64, String), Lost { since: Duration } }
}

#[test]
fn marks() {
    let found = [
        mark(&0_u64),
        mark(&String::new()),
        mark(&Vec::<u8>::new()),
        mark(&Some((true, 'x', 1.5_f32))),
        mark(&[0_u8; 32]),
        mark(&BTreeMap::from([(0_i16, [0_i32; 3])])),
        mark(&UserId::default()),
        mark(&Unit),
        mark(&Money::default()),
        mark(&Item::default()),
        mark(&Cart::default()),
        mark(&State::default()),
        mark(&uuid::Uuid::nil()),
        mark(&SystemTime::UNIX_EPOCH),
        mark(&IpAddr::from([127, 0, 0, 1])),
    ];
    assert_eq!(found.map(|number| format!("{number:08x}")), MARKS);
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

const MARKS: [&str; 15] = [
    "f215b1a2", "11554f51", "3bf59cb9", "5635d56b", "adec721e", "bf9dbc70", "3819c036", "14594007",
    "17d41bca", "b285df5e", "d65d1171", "0db4319a", "b1a0b49e", "db79404a", "bbc081c8",
];

const BINCODE: &str = "0101818dfbcc0103746561fb5702034555520105677265656e01fc7011010001070301fc0065cd1d0105666972737403746561fb5702034555520105677265656e01fc70110100";

const JSON: &str = r#"{"items":[{"name":"tea","price":[-300,"EUR"],"tags":["green"],"number":70000}],"owner":7,"state":{"Lost":{"since":{"secs":1,"nanos":500000000}}},"notes":{"first":{"name":"tea","price":[-300,"EUR"],"tags":["green"],"number":70000}}}"#;
