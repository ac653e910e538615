//! Flows: one cookie, one state, one type, one time span.

use super::super::{flow_name, is_flow_name, mint_flow_state, open_flow, seal_flow};
use super::*;

const END: Timestamp = Timestamp::from_unix_seconds(1_800_000_600);

#[test]
fn a_flow_is_opened_under_its_own_name_only() {
    let ring = ring(1);
    let sealed = seal_flow(&ring, "id-flow-a", END, b"payload").unwrap();
    let opened = open_flow(&ring, "id-flow-a", sealed.as_bytes(), NOW).unwrap();
    assert_eq!(opened, (END, b"payload".to_vec()));
    for name in ["id-flow-b", "id-flow-", "id", ""] {
        assert!(
            open_flow(&ring, name, sealed.as_bytes(), NOW).is_err(),
            "{name}"
        );
    }
}

#[test]
fn a_name_follows_from_the_state_and_the_type() {
    let state = mint_flow_state().unwrap();
    let name = flow_name("Google", &state);
    assert!(is_flow_name(&name));
    assert_eq!(name, flow_name("Google", &state));
    assert_ne!(name, flow_name("Github", &state));
    assert_ne!(name, flow_name("Google", &mint_flow_state().unwrap()));
    // The items of the list stay separate.
    assert_ne!(flow_name("ab", "c"), flow_name("a", "bc"));
    for other in [
        "",
        "a",
        &name[1..],
        &format!("{name}A"),
        "AAAAAAAAAAAAAAAAAAAAA;",
    ] {
        assert!(!is_flow_name(other), "{other}");
    }
}
