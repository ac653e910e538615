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

            fn encode_index(
                __value: &Self::Index,
            ) -> __p::core::result::Result<__p::std::vec::Vec<u8>, __p::ValueError> {
                __p::Column::encode(&<Self as __Fields>::#place.0, __value)
            }

            fn decode_index(
                __bytes: &[__p::core::primitive::u8],
            ) -> __p::core::result::Result<Self::Index, __p::ValueError> {
                __p::Column::decode(&<Self as __Fields>::#place.0, __bytes)
            }
        }
    })
}
