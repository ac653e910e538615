//! The device that a session is bound to, as a field of its record.
//!
//! ```text
//! device = version u8 ‖ device id(16) ‖ since u40 ‖ proved u40 ‖ tag(8)*
//! ```
//!
//! The last proofs are kept, so that none counts twice: the time of the newest challenge that was answered, and the
//! tags of the answered challenges of that second.

use super::{TIME, put_time, time};
use crate::clock::Timestamp;
use crate::crypto::{Challenge, DeviceId};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Device {
    pub(crate) id: DeviceId,
    /// When the device was registered.
    pub(crate) since: Timestamp,
    /// The time of the newest challenge that the device has answered.
    pub(crate) proved_at: Timestamp,
    used: Vec<[u8; TAG]>,
}

impl Device {
    pub(crate) fn new(id: DeviceId, now: Timestamp) -> Self {
        Self {
            id,
            since: now,
            proved_at: now,
            used: Vec::new(),
        }
    }

    /// Accepts the answer to a challenge; `false` if this answer, or one to a later challenge, was accepted before.
    pub(crate) fn accept(&mut self, challenge: &Challenge) -> bool {
        if challenge.issued_at > self.proved_at {
            self.proved_at = challenge.issued_at;
            self.used.clear();
        }
        let is_new = challenge.issued_at == self.proved_at
            && self.used.len() < MOST_IN_A_SECOND
            && !self.used.contains(&challenge.tag);
        if is_new {
            self.used.push(challenge.tag);
        }
        is_new
    }

    pub(crate) fn pack(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(HEAD + TAG * self.used.len());
        out.push(VERSION);
        out.extend_from_slice(self.id.as_bytes());
        put_time(self.since, &mut out);
        put_time(self.proved_at, &mut out);
        self.used.iter().for_each(|tag| out.extend_from_slice(tag));
        out
    }

    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first()?;
        let (id, rest) = rest.split_first_chunk()?;
        let (since, rest) = rest.split_first_chunk()?;
        let (proved_at, rest) = rest.split_first_chunk()?;
        let (used, rest) = rest.as_chunks();
        (*version == VERSION && rest.is_empty()).then(|| Self {
            id: DeviceId::from_bytes(*id),
            since: time(since),
            proved_at: time(proved_at),
            used: used.to_vec(),
        })
    }
}

const VERSION: u8 = 1;
const TAG: usize = 8;
const HEAD: usize = 1 + DeviceId::LEN + 2 * TIME;
/// No browser signs more often. If the server's clock stands still, the browser must ask again.
const MOST_IN_A_SECOND: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_unix_seconds(seconds)
    }

    fn challenge(seconds: u64, tag: u8) -> Challenge {
        Challenge {
            issued_at: at(seconds),
            tag: [tag; TAG],
        }
    }

    #[test]
    fn no_proof_counts_twice() {
        let mut device = Device::new(DeviceId::from_bytes([1; 16]), at(10));
        assert!(!device.accept(&challenge(9, 1)), "older than the binding");
        assert!(device.accept(&challenge(10, 1)));
        assert!(!device.accept(&challenge(10, 1)), "again");
        assert!(device.accept(&challenge(10, 2)), "of the same second");
        assert!(device.accept(&challenge(12, 1)), "later");
        assert!(!device.accept(&challenge(12, 1)), "again");
        assert!(!device.accept(&challenge(11, 3)), "overtaken");
        for tag in 2..=8 {
            assert!(device.accept(&challenge(12, tag)), "{tag}");
        }
        assert!(!device.accept(&challenge(12, 9)), "what is kept is bounded");
    }

    /// A difference would end bound sessions. `tests/vectors/oracle.py` makes the same bytes again.
    #[test]
    fn the_field_is_frozen() {
        let vectors = include_str!("../../../tests/vectors/bindings.json");
        let vectors: serde_json::Value = serde_json::from_str(vectors).unwrap();
        let vectors = vectors.as_array().unwrap();
        assert_eq!(vectors.len(), 4);
        for vector in vectors {
            let seconds = |name: &str| at(vector[name].as_u64().unwrap());
            let octets = |value: &serde_json::Value| -> Vec<u8> {
                let text = value.as_str().unwrap().as_bytes().chunks(2);
                let pairs = text.map(|pair| std::str::from_utf8(pair).unwrap());
                pairs
                    .map(|pair| u8::from_str_radix(pair, 16).unwrap())
                    .collect()
            };
            let tags = vector["used"].as_array().unwrap().iter();
            let device = Device {
                id: DeviceId::from_bytes(octets(&vector["device"]).try_into().unwrap()),
                since: seconds("since"),
                proved_at: seconds("proved"),
                used: tags.map(|it| octets(it).try_into().unwrap()).collect(),
            };
            let packed = octets(&vector["packed"]);
            assert_eq!(device.pack(), packed);
            assert_eq!(Device::parse(&packed), Some(device));
        }
    }

    #[test]
    fn a_device_is_parsed_as_it_was_packed() {
        let mut device = Device::new(DeviceId::from_bytes([1; 16]), at(10));
        assert_eq!(Device::parse(&device.pack()), Some(device.clone()));
        device.accept(&challenge(11, 1));
        device.accept(&challenge(11, 2));
        let packed = device.pack();
        assert_eq!(Device::parse(&packed), Some(device));
        for length in (0..packed.len()).filter(|length| ![HEAD, HEAD + TAG].contains(length)) {
            assert_eq!(Device::parse(&packed[..length]), None, "{length}");
        }
        assert_eq!(Device::parse(&[&[2], &packed[1..]].concat()), None);
    }
}
