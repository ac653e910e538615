//! Detects changes through a shared reference, as of a `Mutex` or an atomic number, which a view cannot see. In
//! development builds only, by comparison with the value that was loaded.

use crate::request::Slot;
use crate::schema::SessionData;
#[cfg(debug_assertions)]
use crate::schema::Snapshot;

/// The fields of a view as they were loaded; nothing in release builds.
#[derive(Debug, Default)]
pub(super) struct Original {
    #[cfg(debug_assertions)]
    fields: Option<Snapshot>,
}

#[cfg(debug_assertions)]
impl Original {
    pub(super) fn of<T: SessionData>(value: &T) -> Self {
        Self {
            fields: Some(Snapshot::take(value, 0)),
        }
    }

    /// Reports a field that has changed since the view was loaded, although nothing was borrowed mutably.
    pub(super) fn compare<T: SessionData>(&mut self, value: &T, slot: &Slot) {
        let now = Snapshot::take(value, 0);
        let original = self.fields.replace(now);
        let (Some(original), Some(now)) = (&original, &self.fields) else {
            return;
        };
        if let Some(spec) = original.first_difference(now, T::SCHEMA) {
            slot.report_hidden_change(spec.name);
        }
    }
}

#[cfg(not(debug_assertions))]
impl Original {
    pub(super) fn of<T: SessionData>(_value: &T) -> Self {
        Self::default()
    }

    pub(super) fn compare<T: SessionData>(&mut self, _value: &T, _slot: &Slot) {}
}
