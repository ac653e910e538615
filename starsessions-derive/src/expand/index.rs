//! `impl Indexed`, if a field is marked `index`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Generics;
use syn::spanned::Spanned;

use super::{attributes, place};
use crate::model::Model;

pub(super) fn implementation(model: &Model<'_>, generics: &Generics) -> Option<TokenStream> {
    let mut stored = model.stored().enumerate();
    let (index, (field, stored)) = stored.find(|(_, (_, stored))| stored.index)?;
    let ident = model.ident;
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let attributes = attributes();
    let (ty, place) = (stored.ty(field.ty), place(index));
    // At the type's own span, because the compiler refuses a type that is less visible than the struct.
    let index_type = quote_spanned!(ty.span()=> type Index = #ty;);
    Some(quote! {
        #attributes
        impl #impl_generics __p::Indexed for #ident #type_generics #where_clause {
            #index_type
            const SPEC: &'static __p::FieldSpec =
                __p::index_spec::<#ty>(<Self as __p::SessionData>::SCHEMA, #index);
            const COLUMN: __p::Column<Self::Index> = <Self as __Fields>::#place.0;
        }
    })
}
