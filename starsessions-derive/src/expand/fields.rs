//! One constant for each stored field: how it is stored and what absence means.
//!
//! The constants are of a trait that only the output sees, so that generic types can have them and the user's type
//! gains no names. Each names its field's type once, at the type's own span: a type that cannot be stored is one error.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{ExprPath, Generics};

use super::{option, place};
use crate::model::{Field, Initial, Model, Presence, Stored};

pub(super) fn fields(model: &Model<'_>, generics: &Generics) -> TokenStream {
    let ident = model.ident;
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let places: Vec<_> = model.stored().enumerate().map(|(i, _)| place(i)).collect();
    let (types, values): (Vec<_>, Vec<_>) = model.stored().map(column).unzip();
    quote! {
        trait __Fields {
            #(type #places; const #places: Self::#places;)*
        }

        #[automatically_derived]
        #[allow(deprecated)]
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
    let column = quote_spanned!(ty.span()=> __p::Column::<#ty>::new);
    let how = how_stored(stored);
    match &stored.presence {
        Presence::Required => (
            quote!(__p::Required<#ty>),
            quote!(__p::Required(#column(#how))),
        ),
        Presence::Optional(_) => (
            quote!(__p::Optional<#ty>),
            quote!(__p::Optional(#column(#how))),
        ),
        Presence::Initial(initial) => {
            let default = initial_function(initial, declared);
            (
                quote!(__p::Defaulted<#ty>),
                quote!(__p::Defaulted(#column(#how), #default)),
            )
        }
    }
}

fn how_stored(stored: &Stored<'_>) -> TokenStream {
    let format = stored.codec.variant();
    let version = stored.version.unwrap_or(1);
    let migrate = option(stored.migrate.as_ref().map(|path| {
        let call = checked_call(path, &quote!(__old), &quote!(__p::ValueError::migration));
        quote!(|__old| #call)
    }));
    let validate = option(stored.validate.as_ref().map(|path| {
        let call = checked_call(path, &quote!(__value), &quote!(__p::Invalid::new));
        quote!(|__value| #call)
    }));
    quote! {
        __p::Stored {
            format: __p::Format::#format,
            version: #version,
            migrate: #migrate,
            validate: #validate,
        }
    }
}

/// A call of the user's function whose error becomes one of ours. It is a call and not a pointer, so that a function
/// of `&str` can check a `String`; what does not fit is underlined at the path.
pub(super) fn checked_call(
    path: &ExprPath,
    argument: &TokenStream,
    error: &TokenStream,
) -> TokenStream {
    // Not at the user's span, where `unused_qualifications` would call it superfluous.
    let map_err = quote!(__p::core::result::Result::map_err);
    let span = path.span();
    quote_spanned!(span=> #map_err(#path(#argument), #error))
}

/// A function that returns the value of an absent field.
fn initial_function(initial: &Initial, ty: &syn::Type) -> TokenStream {
    match initial {
        Initial::Default => quote_spanned!(ty.span()=> __p::default_of::<#ty>),
        Initial::Expr(value) => quote!(|| #value),
    }
}

/// The value of a field that is never stored.
pub(super) fn initial_value(initial: &Initial, ty: &syn::Type) -> TokenStream {
    match initial {
        Initial::Default => quote_spanned!(ty.span()=> __p::default_of::<#ty>()),
        Initial::Expr(value) => quote!(#value),
    }
}
