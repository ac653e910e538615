//! Packed records, and bytes that are not a record.

use super::*;

fn at(second: u64) -> Timestamp {
    Timestamp::from_unix_seconds(1_700_000_000 + second)
}

fn record() -> Record {
    let mut record = Record::new(at(0), at(600));
    record.revision = 3;
    record.identified = true;
    let mut cart = Edit::set("shop.cart", b"\x01\x02");
    if let FieldChange::Set { expires_at, .. } = &mut cart.change {
        *expires_at = Some(at(60));
    }
    record.rewrite(vec![Edit::set("shop.views", b""), cart]);
    record
}

fn payload() -> Payload {
    let id = [7; ID_LENGTH];
    let record = record();
    Payload { id, record }
}

#[test]
fn what_is_packed_is_read() {
    let record = record();
    let mut read = Record::parse_strictly(record.packed()).unwrap();
    assert_eq!((read.created_at, read.issued_at), (at(0), at(0)));
    assert!(read.identified && !read.remembered);
    (read.revision, read.last_seen_at, read.expires_at) = (3, at(0), at(600));
    assert_eq!(read, record);
    let cart = read.get("shop.cart").unwrap();
    assert_eq!((cart.value, cart.written), (&b"\x01\x02"[..], 3));
    assert!(cart.is_live(at(59)) && !cart.is_live(at(60)));
    assert!(read.get("shop.car").is_none());
    let names: Vec<_> = read.fields().map(|(name, _)| name).collect();
    assert_eq!(names, ["shop.cart", "shop.views"]);
    assert_eq!((read.len(), read.size()), (2, 9 + 2 + 10));
}

#[test]
fn a_change_leaves_every_other_field_as_it_is_packed() {
    let before = record();
    let mut after = before.clone();
    after.revision += 1;
    after.rewrite(vec![
        Edit::remove("shop.views"),
        Edit::set("login.user", b"7"),
    ]);
    assert!(after.get("shop.cart") == before.get("shop.cart"));
    assert_eq!(after.get("login.user").unwrap().written, 4);
    assert!(after.get("shop.views").is_none());
    after.rewrite(vec![
        Edit::remove("login.user"),
        Edit::set("shop.views", b""),
    ]);
    after.revision = 3;
    after.rewrite(vec![Edit::set("shop.views", b"")]);
    assert_eq!(after.packed(), before.packed(), "one record, one encoding");
}

#[test]
fn an_idle_deadline_moves_forward_only_and_is_not_given_to_a_field_that_has_none() {
    let mut record = record();
    let idle = |seconds| Edit::new("shop.cart", FieldChange::Idle(at(seconds)));
    record.rewrite(vec![idle(30)]);
    assert_eq!(record.get("shop.cart").unwrap().idle_at(), None);
    let mut set = Edit::set("shop.cart", b"");
    if let FieldChange::Set { idle_at, .. } = &mut set.change {
        *idle_at = Some(at(40));
    }
    record.rewrite(vec![set]);
    for (deadline, expected) in [(30, 40), (50, 50)] {
        record.rewrite(vec![idle(deadline)]);
        let field = record.get("shop.cart").unwrap();
        assert_eq!(field.idle_at(), Some(at(expected)));
    }
}

#[test]
fn what_is_written_into_a_cookie_is_read() {
    assert_eq!(Payload::parse(&payload().pack()), Some(payload()));
}

#[test]
fn no_prefix_and_no_longer_input_is_a_record() {
    let bytes = payload().pack();
    let head = 16 + 4 + 10 + HEAD;
    let whole_fields = [head, head + 10 + 5 + 9 + 2];
    for length in 0..bytes.len() {
        let parsed = Payload::parse(&bytes[..length]);
        assert_eq!(parsed.is_some(), whole_fields.contains(&length), "{length}");
    }
    let longer = [&bytes[..], &[0]].concat();
    assert_eq!(Payload::parse(&longer), None);
}

/// A record has one encoding: with a byte that means nothing, one session could have two cookies.
#[test]
fn what_is_read_from_a_cookie_is_written_as_the_same_bytes() {
    let bytes = payload().pack();
    for place in 0..bytes.len() {
        for flip in 1..=255_u8 {
            let mut changed = bytes.clone();
            changed[place] ^= flip;
            if let Some(mut payload) = Payload::parse(&changed) {
                payload.record.rewrite(Vec::new());
                assert_eq!(payload.pack(), changed, "byte {place}");
            }
        }
    }
}

#[test]
fn no_record_has_a_field_without_a_name() {
    let mut record = Record::new(at(0), at(9));
    record.rewrite(vec![Edit::set("", b"value")]);
    assert_eq!(Record::parse_strictly(record.packed()), None);
}

#[test]
fn a_time_that_does_not_fit_is_the_latest_there_is() {
    let mut record = Record::new(Timestamp::from_unix_seconds(u64::MAX), at(0));
    record.rewrite(Vec::new());
    let read = Record::parse_strictly(record.packed()).unwrap();
    assert_eq!(read.created_at.as_unix_seconds(), (1 << 40) - 1);
}

#[test]
fn a_card_is_read_as_it_was_packed_and_never_misread() {
    let card = Card {
        created_at: at(0),
        issued_at: at(9),
        remembered: true,
        deadlines: vec![(1, at(60))],
        is_bound: true,
        is_claim: true,
        successor: Some(crate::crypto::RowKey::from_bytes([9; 32])),
        label: b"Firefox".to_vec(),
    };
    let bytes = card.pack();
    assert_eq!(Card::parse(&bytes), Some(card.clone()));
    for length in 0..bytes.len() - card.label.len() {
        assert_eq!(Card::parse(&bytes[..length]), None, "{length}");
    }
    assert!(card.is_filed(0, at(99)) && card.is_filed(1, at(59)));
    assert!(!card.is_filed(1, at(60)));
}
