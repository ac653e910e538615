//! Request-forgery tokens: one session, one time span, no text of an attacker's choice.

use std::collections::HashSet;

use super::super::{RowKey, mint_csrf_token, verify_csrf_token};
use super::*;

const ROW: RowKey = RowKey::from_bytes([7; 32]);

fn is_valid(ring: &KeyRing, row: &RowKey, text: &[u8]) -> bool {
    verify_csrf_token(ring, row, text, NOW).is_ok()
}

#[test]
fn a_token_is_valid_for_its_session_and_no_other() {
    let ring = ring(1);
    let token = mint_csrf_token(&ring, &ROW).unwrap();
    assert_eq!(token.len(), 92);
    assert!(is_valid(&ring, &ROW, token.as_bytes()));
    for bit in 0..256 {
        let mut other = *ROW.as_bytes();
        other[bit / 8] ^= 1 << (bit % 8);
        let other = RowKey::from_bytes(other);
        assert!(!is_valid(&ring, &other, token.as_bytes()), "bit {bit}");
    }
}

/// Two tokens share only their header; behind the mask, the tag is the same.
#[test]
fn the_mask_is_new_each_time() {
    let ring = ring(1);
    let tokens: Vec<_> = (0..200)
        .map(|_| raw(&mint_csrf_token(&ring, &ROW).unwrap()))
        .collect();
    let tag = |token: &[u8]| -> Vec<u8> { (5..37).map(|at| token[at] ^ token[at + 32]).collect() };
    for place in 5..69 {
        let seen: HashSet<u8> = tokens.iter().map(|token| token[place]).collect();
        assert!(seen.len() > 50, "byte {place} is not masked: {seen:?}");
    }
    let tags: HashSet<_> = tokens.iter().map(|token| tag(token)).collect();
    assert_eq!(tags.len(), 1);
}

/// The same mask on both halves, as a sender without the tag would choose it.
#[test]
fn a_mask_alone_proves_nothing() {
    let ring = ring(1);
    let token = raw(&mint_csrf_token(&ring, &ROW).unwrap());
    for fill in 0..=255_u8 {
        let mut forged = token[..5].to_vec();
        forged.resize(69, fill);
        assert!(!is_valid(&ring, &ROW, encoding::encode(&forged).as_bytes()));
    }
}
