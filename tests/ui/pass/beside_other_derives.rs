//! The struct keeps its own derives, visibility, documentation and attributes of other macros.

use serde::{Deserialize, Serialize};
use starsessions::Session;

/// A session and a value at once.
#[derive(Clone, Debug, Default, PartialEq, Session, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[session(namespace = "both")]
pub(crate) struct Both {
    /// Documented.
    #[serde(default)]
    #[session(expires = "1h")]
    pub views: u64,
    #[session(default = 1)]
    pub(crate) inner: u8,
}

#[test]
fn a_struct_keeps_its_derives_and_attributes() {
    let both = Both { views: 1, inner: 2 };
    assert_eq!(both.clone(), both);
    assert!(format!("{both:?}").contains("views: 1"));
}
