//! Values that are made once for a request, however many handlers and extractors ask for them.

use std::any::{Any, TypeId};
use std::sync::Arc;

use super::slot::Slot;

/// One value for each type.
pub(super) type Made = Vec<(TypeId, Arc<dyn Any + Send + Sync>)>;

impl Slot {
    /// The value of this type that belongs to the request.
    pub(crate) fn once<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        let mut state = self.state();
        let id = TypeId::of::<T>();
        let known = state.made.iter().find(|(known, _)| *known == id);
        if let Some(known) = known.and_then(|(_, value)| Arc::clone(value).downcast().ok()) {
            return known;
        }
        let value = Arc::<T>::default();
        state.made.push((id, Arc::clone(&value) as _));
        value
    }
}
