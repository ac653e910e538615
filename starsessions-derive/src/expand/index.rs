//! `impl Indexed`, if a field is marked `index`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Generics, Type};

use super::{attributes, place};
use crate::model::Model;

/// The constants, for the type of the field and its position in the schema.
type Content = [TokenStream; 2];

pub(super) fn content(ty: &Type, index: usize) -> Content {
    let place = place(index);
    [
        quote!(__p::index_spec::<#ty>(<Self as __p::SessionData>::SCHEMA, #index)),
        quote!(<Self as __Fields>::#place.0),
    ]
}

/// For an input with errors, as in `data`: the user sees no second error that the struct has no `index`.
pub(super) fn hollow(_: &Type, _: usize) -> Content {
    [
        quote!(__p::core::unreachable!()),
        quote!(__p::core::unreachable!()),
    ]
}

pub(super) fn implementation(
    model: &Model<'_>,
    generics: &Generics,
    content: fn(&Type, usize) -> Content,
) -> Option<TokenStream> {
    let mut stored = model.stored().enumerate();
    let (index, (field, stored)) = stored.find(|(_, (_, stored))| stored.index)?;
    let ident = model.ident;
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let attributes = attributes();
    let ty = stored.ty(field.ty);
    let [spec, column] = content(ty, index);
    // At the type's own span, because the compiler refuses a type that is less visible than the struct.
    let index_type = quote_spanned!(ty.span()=> type Index = #ty;);
    Some(quote! {
        #attributes
        impl #impl_generics __p::Indexed for #ident #type_generics #where_clause {
            #index_type
            const SPEC: &'static __p::FieldSpec = #spec;
            const COLUMN: __p::Column<Self::Index> = #column;
        }
    })
}
