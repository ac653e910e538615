//! The binding of a session to a device, as a change of its record.

use super::changes::{Base, Change, Changes};
use super::plan::{Plan, Step};
use crate::clock::Timestamp;
use crate::record::{DEVICE, Device, Encoded, Record};
use crate::schema::{FieldSpec, Merge};
use crate::value::{FieldType, Format};

/// The plan that writes this device into a session as it was read. Of two concurrent plans, one is refused: a proof
/// counts once, and a session has one device. The plan does not count as activity, since browsers refresh by
/// themselves.
pub(crate) fn bind(record: &Record, device: &Device, now: Timestamp) -> Plan {
    let mut changes = Changes::default();
    changes.push(Change {
        spec: &DEVICE_SPEC,
        base: Base::seen(&DEVICE_SPEC, Some(record), now, Some(record)),
        value: Some(Encoded::from(device.pack())),
        rule: None,
        is_joined: false,
    });
    Plan {
        changes,
        ..Plan::new(Step::Commit, now)
    }
}

/// The device as a field: its value is packed bytes.
static DEVICE_SPEC: FieldSpec = FieldSpec {
    merge: Merge::Exclusive,
    ..FieldSpec::plain(DEVICE, FieldType::new::<Vec<u8>>(Format::Bincode))
};
