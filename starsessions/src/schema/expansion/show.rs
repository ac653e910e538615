//! The values that `debug_fields` shows.

use std::fmt;

/// Shows a field: by [`ShowValue`] if its type has `Debug`, by [`ShowOpaque`] otherwise.
///
/// `(&Show(..)).__show()` finds the former first, because it needs one reference less.
#[derive(Debug)]
pub struct Show<'a, T>(pub &'a T);

/// The value of a [`Show`].
pub trait ShowValue {
    /// The value to show.
    fn __show(&self) -> &dyn fmt::Debug;
}

impl<T: fmt::Debug> ShowValue for Show<'_, T> {
    fn __show(&self) -> &dyn fmt::Debug {
        self.0
    }
}

/// The placeholder of a [`Show`] whose value cannot be shown.
pub trait ShowOpaque {
    /// The value to show.
    fn __show(&self) -> &dyn fmt::Debug;
}

impl<T> ShowOpaque for &Show<'_, T> {
    fn __show(&self) -> &dyn fmt::Debug {
        &Opaque
    }
}

/// Shown for a value without `Debug`.
struct Opaque;

impl fmt::Debug for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}
