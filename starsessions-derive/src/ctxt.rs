//! Collects the errors of one input, so that all of them are reported at once.

use std::cell::RefCell;
use std::fmt::Display;

use quote::ToTokens;

/// The errors so far. Parsing never stops at an error: it reports, leaves the bad part out and continues.
pub(crate) struct Ctxt {
    /// `None` once the errors were reported.
    errors: RefCell<Option<Vec<syn::Error>>>,
}

impl Ctxt {
    pub(crate) fn new() -> Self {
        Self {
            errors: RefCell::new(Some(Vec::new())),
        }
    }

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
        if let Some(errors) = self.errors.borrow_mut().as_mut() {
            errors.push(error);
        }
    }

    /// All errors as one, in the order in which they were reported.
    pub(crate) fn finish(self) -> syn::Result<()> {
        let mut errors = self.errors.take().unwrap_or_default().into_iter();
        let Some(mut all) = errors.next() else {
            return Ok(());
        };
        all.extend(errors);
        Err(all)
    }
}

impl Drop for Ctxt {
    fn drop(&mut self) {
        if self.errors.get_mut().is_some() && !std::thread::panicking() {
            panic!("the errors of a derive input were not reported");
        }
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::Ctxt;

    #[test]
    fn every_error_is_reported_in_order() {
        let cx = Ctxt::new();
        cx.error(quote!(a), "first");
        cx.error(quote!(b), "second");
        let errors = cx.finish().unwrap_err();
        let messages: Vec<_> = errors.into_iter().map(|error| error.to_string()).collect();
        assert_eq!(messages, ["first", "second"]);
    }

    #[test]
    #[should_panic = "were not reported"]
    fn forgetting_to_report_is_a_bug() {
        drop(Ctxt::new());
    }
}
