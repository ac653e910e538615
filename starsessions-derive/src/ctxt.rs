//! Collects the errors of one input, so that all of them are reported at once.

use std::cell::RefCell;
use std::fmt::Display;

use quote::ToTokens;

/// The errors so far. Parsing never stops at an error: it reports, leaves the bad part out and continues.
#[derive(Default)]
pub(crate) struct Ctxt {
    errors: RefCell<Option<syn::Error>>,
}

impl Ctxt {
    /// Reports a mistake at `tokens`.
    pub(crate) fn error(&self, tokens: impl ToTokens, message: impl Display) {
        self.push(syn::Error::new_spanned(tokens, message));
    }

    /// Reports a mistake, and returns `None` in the place of a value.
    pub(crate) fn refuse<T>(&self, tokens: impl ToTokens, message: impl Display) -> Option<T> {
        self.error(tokens, message);
        None
    }

    /// Reports an error of syn.
    pub(crate) fn push(&self, error: syn::Error) {
        match &mut *self.errors.borrow_mut() {
            Some(errors) => errors.combine(error),
            none => *none = Some(error),
        }
    }

    /// All errors as one, in the order in which they were reported.
    pub(crate) fn finish(self) -> syn::Result<()> {
        self.errors.into_inner().map_or(Ok(()), Err)
    }
}
