//! One constant for each stored field: how the field is stored, and what its absence means.
//!
//! The constants belong to a private trait of the output, so that generic types can have them and the user's type
//! gains no names. Each names its field's type once, so that a type that cannot be stored is one error.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{ExprPath, Generics, Ident, Type};

use super::{attributes, option, place};
use crate::model::{Field, Initial, Model, Presence, Stored};

pub(super) fn fields(model: &Model<'_>, generics: &Generics) -> TokenStream {
    let ident = model.ident;
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let places: Vec<_> = model.stored().enumerate().map(|(i, _)| place(i)).collect();
    let (types, values): (Vec<_>, Vec<_>) = model.stored().map(column).unzip();
    let attributes = attributes();
    quote! {
        trait __Fields {
            #(type #places; const #places: Self::#places;)*
        }

        #attributes
        impl #impl_generics __Fields for #ident #type_generics #where_clause {
            #(
                type #places = #types;
                const #places: Self::#places = #values;
            )*
        }
    }
}

/// The type and the value of the constant.
fn column((field, stored): (&Field<'_>, &Stored<'_>)) -> (TokenStream, TokenStream) {
    let declared = field.ty;
    let ty = stored.ty(declared);
    let how = how_stored(stored, ty);
    let kind = kind(stored);
    let default = match &stored.presence {
        Presence::Optional(_) => TokenStream::new(),
        Presence::Required => option(None),
        Presence::Initial(initial) => {
            let value = initial_value(initial, declared);
            option(Some(quote!(|| #value)))
        }
    };
    (
        quote!(#kind<#ty>),
        quote!(#kind(__p::column::<#ty>(#how), #default)),
    )
}

/// The runtime's type for this kind of field. The output calls its functions by this path, so that no method of a
/// user's trait takes precedence.
pub(super) fn kind(stored: &Stored<'_>) -> TokenStream {
    match stored.presence {
        Presence::Optional(_) => quote!(__p::Optional),
        Presence::Required | Presence::Initial(_) => quote!(__p::Present),
    }
}

fn how_stored(stored: &Stored<'_>, ty: &Type) -> TokenStream {
    let format = format_ident!("{}", stored.codec);
    let version = stored.version.unwrap_or(1);
    let migrate = stored.migrate.as_ref();
    let migrate =
        option(migrate.map(|path| adapted(path, &quote!(__p::Migrated::<#ty>::migrated))));
    let validate = stored.validate.as_ref();
    let validate = option(validate.map(|path| adapted(path, &quote!(__p::Verdict::verdict))));
    quote! {
        __p::Stored {
            format: __p::Format::#format,
            version: #version,
            migrate: #migrate,
            validate: #validate,
        }
    }
}

/// A closure that calls the user's function and converts its result for the runtime. A closure, not a function pointer,
/// so that a function of `&str` can check a `String`. Type errors are reported at the path.
pub(super) fn adapted(path: &ExprPath, result: &TokenStream) -> TokenStream {
    let value = Ident::new("__value", path.span());
    let call = quote_spanned!(path.span()=> #path(#value));
    quote!(|#value| #result(#call))
}

/// The value of a field that is not stored.
pub(super) fn initial_value(initial: &Initial, ty: &Type) -> TokenStream {
    match initial {
        Initial::Default => quote!(__p::default_of::<#ty>()),
        Initial::Expr(value) => quote!(#value),
    }
}
