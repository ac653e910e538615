//! The output: tables and calls into the runtime, no logic.

mod data;
mod fields;
mod index;
mod schema;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Ident, Path};

use crate::generics::{bounded, supertraits};
use crate::model::Model;

/// The implementations for a model without errors.
pub(crate) fn expand(model: &Model<'_>) -> TokenStream {
    let generics = bounded(model);
    let fields = fields::fields(model, &generics);
    let data = data::implementation(model, &generics, data::content(model));
    let index = index::implementation(model, &generics, index::content);
    wrap(&model.root, &quote!(#fields #data #index))
}

/// The output for an input with errors.
pub(crate) fn hollow(model: &Model<'_>, errors: &syn::Error) -> TokenStream {
    let errors = errors.to_compile_error();
    let mut generics = model.generics.clone();
    let clause = generics.make_where_clause();
    clause.predicates.extend(supertraits(model.generics));
    let data = data::implementation(model, &generics, data::hollow());
    let index = index::implementation(model, &generics, index::hollow);
    let hollow = wrap(&model.root, &quote!(#data #index));
    quote!(#errors #hollow)
}

/// Wraps the output, so that its names do not collide with others. Inside, every path begins with `__p`.
fn wrap(root: &Path, body: &TokenStream) -> TokenStream {
    quote! {
        const _: () = {
            use #root::__private as __p;
            #body
        };
    }
}

/// The attributes of each implementation. They allow the lints that would blame the user for the output: for a
/// deprecated type or field, for a path that is longer than needed there, and for a lifetime that can only be `'static`
/// in a session.
fn attributes() -> TokenStream {
    quote! {
        #[automatically_derived]
        #[allow(deprecated, redundant_lifetimes, unused_qualifications)]
    }
}

/// The name of the constant, and of its type, for the stored field at this position in the schema.
fn place(index: usize) -> Ident {
    format_ident!("F{index}")
}

fn option(value: Option<TokenStream>) -> TokenStream {
    match value {
        Some(value) => quote!(__p::core::option::Option::Some(#value)),
        None => quote!(__p::core::option::Option::None),
    }
}
