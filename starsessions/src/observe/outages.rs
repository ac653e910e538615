//! Stores that fail: one line for an outage, not one for each request.

use std::error::Error;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::Timestamp;
use crate::sentence::Said;

/// When a failure of one store was last logged as an error.
#[derive(Debug, Default)]
pub(crate) struct Outages {
    told_at: AtomicU64,
}

impl Outages {
    /// Logs a failure: the first of a while as an error, the others at debug level.
    pub(crate) fn report<E: Error>(&self, error: &E, now: Timestamp) {
        // Drivers put the server's own message at the end of the chain.
        let source = error.source().map(|source| Said(source).to_string());
        if self.opens_window(now.as_unix_seconds()) {
            tracing::error!(
                %error,
                source,
                "the session store failed; for {WINDOW} seconds further failures are logged at \
                 debug level"
            );
        } else {
            tracing::debug!(%error, source, "the session store failed");
        }
    }

    /// Whether the last line is old, or was written by a clock that was set back since.
    fn opens_window(&self, now: u64) -> bool {
        let begin = |open: u64| (now >= open.saturating_add(WINDOW) || now < open).then_some(now);
        self.told_at
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, begin)
            .is_ok()
    }
}

/// In seconds.
const WINDOW: u64 = 10;
