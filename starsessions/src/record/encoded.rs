//! The encoded value of one field, before it is in a record.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

/// The encoded value of one field. All values of one change share a buffer: they live until the request has
/// written them.
#[derive(Clone)]
pub(crate) struct Encoded {
    all: Arc<[u8]>,
    place: Range<usize>,
}

impl Encoded {
    /// The value at this place; empty where there is none.
    #[inline]
    pub(crate) fn new(all: &Arc<[u8]>, place: Range<usize>) -> Self {
        Self {
            all: Arc::clone(all),
            place,
        }
    }
}

impl Deref for Encoded {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        self.all.get(self.place.clone()).unwrap_or_default()
    }
}

impl From<Vec<u8>> for Encoded {
    fn from(bytes: Vec<u8>) -> Self {
        let place = 0..bytes.len();
        Self {
            all: bytes.into(),
            place,
        }
    }
}

/// Shows how long the value is, which may be in the clear.
impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Encoded({} bytes)", self.len())
    }
}
