//! The derive macro of starsessions. Use it through the `starsessions` crate, which documents it.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod attr;
mod check;
mod ctxt;
mod expand;
mod generics;
mod keys;
mod model;
mod suggest;
#[cfg(test)]
mod tests;
mod value;

use syn::DeriveInput;

use crate::ctxt::Ctxt;
use crate::model::Model;

/// Makes a struct a typed session; documented where `starsessions` re-exports it.
#[proc_macro_derive(Session, attributes(session))]
pub fn session(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    derive(input.into()).into()
}

fn derive(input: proc_macro2::TokenStream) -> proc_macro2::TokenStream {
    let input: DeriveInput = match syn::parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let cx = Ctxt::default();
    let model = Model::parse(&cx, &input);
    check::check(&cx, &model);
    match cx.finish() {
        Ok(()) => expand::expand(&model),
        Err(errors) => expand::hollow(&model, &errors),
    }
}
