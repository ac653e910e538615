//! The values in an event, in the types of the application.

use crate::observe::SessionEvent;
use crate::schema::Indexed;

impl SessionEvent {
    /// The session's current or former user: the value of `T`'s indexed field. `None` if the field has no value, or if
    /// it is unknown, as for a cookie that leads to no session.
    #[must_use]
    pub fn user<T: Indexed>(&self) -> Option<T::Index> {
        let names = std::iter::once(&T::SPEC.name).chain(T::SPEC.aliases);
        let value = self.indexed(names.copied())?;
        T::COLUMN.decode(value).ok()
    }
}
