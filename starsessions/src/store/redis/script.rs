//! What has to happen on the server in one step, and takes more than one command.

use std::sync::OnceLock;

/// A script, and the hash that a server knows it by.
///
/// It names no key but those that it is given, and in a Cluster it is given one. Rows are opaque to it, but for the
/// [head](super::packed::head). A server whose memory is used up refuses a script whose first write needs
/// more, so no script deletes something of ours before it adds.
pub(crate) struct Script {
    pub(super) code: &'static str,
    hash: OnceLock<String>,
}

impl Script {
    pub(crate) const fn new(code: &'static str) -> Self {
        let hash = OnceLock::new();
        Self { code, hash }
    }

    pub(super) fn hash(&self) -> &str {
        let hash = || redis::Script::new(self.code).get_hash().to_owned();
        self.hash.get_or_init(hash)
    }
}
