//! One text for one value, in both decoders.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

/// Every text of up to two octets, and every one of three from the alphabet and its neighbours.
/// Each value has one text, and each text that decodes is the one that its value encodes to.
#[test]
fn one_text_for_one_value() {
    let all: Vec<u8> = (0..=0xff).collect();
    let some: Vec<u8> = (b'*'..=b'~').chain([0, b'\n', b' ', 0x80, 0xff]).collect();
    let pairs = all.iter().flat_map(|a| all.iter().map(|b| vec![*a, *b]));
    let triples = some.iter().flat_map(|a| {
        some.iter()
            .flat_map(|b| some.iter().map(|c| vec![*a, *b, *c]))
    });
    let singles = all.iter().map(|a| vec![*a]);
    let mut values = HashSet::new();
    for text in singles.chain(pairs).chain(triples) {
        if let Some(bytes) = encoding::decode(&text, 3) {
            assert_eq!(encoding::encode(&bytes).as_bytes(), text);
            assert!(values.insert(bytes.to_vec()), "two texts for {bytes:?}");
        }
    }
    assert_eq!(values.len(), 256 + 65_536);
}

fn secret<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    encoding::decode_secret(text, &mut bytes).map(|()| bytes)
}

/// Each octet in each place of a text, also of one whose length is no multiple of a word's.
#[test]
fn secrets_are_read_like_everything_else() {
    fn check<const N: usize>() {
        let good = encoding::encode(&std::array::from_fn::<u8, N, _>(|place| {
            (place as u8).wrapping_mul(37)
        }));
        for place in 0..good.len() {
            let mut text = good.clone().into_bytes();
            for octet in 0..=0xff {
                text[place] = octet;
                let secret = secret::<N>(&text).map(|it| it.to_vec());
                assert_eq!(
                    secret,
                    encoding::decode(&text, usize::MAX),
                    "{N} {place} {octet}"
                );
            }
        }
        for len in (0..good.len() + 20).filter(|len| *len != good.len()) {
            assert!(secret::<N>(&vec![b'A'; len]).is_none(), "{N} {len}");
        }
    }
    check::<1>();
    check::<2>();
    check::<3>();
    check::<4>();
    check::<5>();
    check::<6>();
    check::<7>();
    check::<32>();
    check::<37>();
    check::<69>();
}

proptest! {
    #[test]
    fn decoding_undoes_encoding(bytes: Vec<u8>, text: Vec<u8>) {
        let encoded = encoding::encode(&bytes);
        prop_assert_eq!(&encoding::decode(encoded.as_bytes(), usize::MAX).unwrap(), &bytes);
        if let Some(bytes) = encoding::decode(&text, usize::MAX) {
            prop_assert_eq!(encoding::encode(&bytes).into_bytes(), text);
        }
    }

    /// Two decoders, one encoding.
    #[test]
    fn secrets_are_spelt_like_everything_else(bytes: [u8; 37], text: [u8; 50]) {
        let spelt = encoding::encode(&bytes);
        prop_assert_eq!(&*encoding::encode_secret(&bytes), &spelt);
        prop_assert_eq!(secret::<37>(spelt.as_bytes()).unwrap(), bytes);
        let decoded = secret::<37>(&text);
        prop_assert_eq!(decoded.map(|it| it.to_vec()), encoding::decode(&text, 50));
    }
}
