//! The output beside errors: an implementation without content, so that what uses the type compiles and the user sees
//! the mistake and not its consequences.

use proc_macro2::TokenStream;
use quote::quote;

use crate::expand::{attributes, wrap};
use crate::generics::supertraits;
use crate::model::Model;

pub(crate) fn expand(model: &Model<'_>, errors: &syn::Error) -> TokenStream {
    let errors = errors.to_compile_error();
    let ident = model.ident;
    let mut generics = model.generics.clone();
    let supertraits = supertraits(&generics);
    generics.make_where_clause().predicates.extend(supertraits);
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let attributes = attributes();
    let hollow = quote! {
        #attributes
        impl #impl_generics __p::SessionData for #ident #type_generics #where_clause {
            const SCHEMA: &'static __p::Schema = &__p::Schema {
                type_name: "",
                realm: "",
                bound: false,
                reject: __p::core::option::Option::None,
                fields: &[],
            };

            fn load(
                _: &mut __p::FieldReader<'_>,
            ) -> __p::core::result::Result<Self, __p::Absent> {
                __p::core::unreachable!()
            }

            fn save(&self, _: &mut __p::FieldWriter) {}

            fn validate(&self) -> __p::core::result::Result<(), __p::Invalid> {
                __p::core::result::Result::Ok(())
            }

            fn debug_fields(&self, _: &mut __p::core::fmt::DebugStruct<'_, '_>) {}
        }
    };
    let hollow = wrap(&model.root, &hollow);
    quote!(#errors #hollow)
}
