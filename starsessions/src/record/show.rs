//! What a log may see of fields: not their values, which a store in memory is given as they are.

use std::fmt;

use super::{Field, FieldWrite};

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Field")
            .field("value", &Size(self.value.len()))
            .field("revision", &self.revision)
            .field("expires_at", &self.expires_at)
            .field("idle_at", &self.idle_at)
            .field("index", &self.index)
            .finish()
    }
}

impl fmt::Debug for FieldWrite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FieldWrite")
            .field("value", &Size(self.value.len()))
            .field("expires_at", &self.expires_at)
            .field("idle_at", &self.idle_at)
            .field("index", &self.index)
            .finish()
    }
}

struct Size(usize);

impl fmt::Debug for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0)
    }
}
