//! `impl SessionData`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt;
use syn::{ExprPath, Generics};

use super::fields::{adapted, initial_value, kind};
use super::{attributes, place, schema};
use crate::model::{Field, Kind, Model};

/// The parts of the schema's list of fields and of the functions, in their order.
type Content = [TokenStream; 5];

pub(super) fn content(model: &Model<'_>) -> Content {
    let load = load(model);
    let debug = model.fields.iter().map(debug_field);
    [
        schema::specs(model),
        quote!(__p::core::result::Result::Ok(Self { #load })),
        save(model),
        validate(model.validate.as_ref()),
        quote!(#(#debug)*),
    ]
}

/// For an input with errors: code that uses the type still compiles, so that the user sees only the mistake.
pub(super) fn hollow() -> Content {
    let nothing = TokenStream::new;
    let load = quote!(__p::core::unreachable!());
    [nothing(), load, nothing(), validate(None), nothing()]
}

pub(super) fn implementation(
    model: &Model<'_>,
    generics: &Generics,
    [specs, load, save, validate, debug]: Content,
) -> TokenStream {
    let ident = model.ident;
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let attributes = attributes();
    let schema = schema::schema(model, &specs);
    quote! {
        #attributes
        impl #impl_generics __p::SessionData for #ident #type_generics #where_clause {
            const SCHEMA: &'static __p::Schema = #schema;

            fn load(
                __fields: &mut __p::FieldReader<'_>,
            ) -> __p::core::result::Result<Self, __p::Absent> {
                #load
            }

            fn save(&self, __fields: &mut __p::FieldWriter) {
                #save
            }

            fn validate(&self) -> __p::core::result::Result<(), __p::Invalid> {
                #validate
            }

            fn debug_fields(&self, __out: &mut __p::core::fmt::DebugStruct<'_, '_>) {
                #[allow(unused_imports)]
                use __p::{ShowOpaque as _, ShowValue as _};
                #debug
            }
        }
    }
}

/// The fields of a struct expression, in the order of their stored names, as in a record: the reader finds all of
/// them in one pass.
fn load(model: &Model<'_>) -> TokenStream {
    let mut index = 0;
    let fields = model.fields.iter().map(|field| {
        let ident = field.ident;
        match &field.kind {
            Kind::Skipped(initial) => {
                let value = initial_value(initial, field.ty);
                (None, quote!(#ident: #value))
            }
            Kind::Stored(stored) => {
                let (kind, place) = (kind(stored), place(index));
                let load =
                    quote!(#ident: #kind::load(&<Self as __Fields>::#place, __fields, #index)?);
                index += 1;
                (Some(model.stored_names(stored).0), load)
            }
        }
    });
    let mut fields: Vec<_> = fields.collect();
    fields.sort_by(|(a, _), (b, _)| a.cmp(b));
    let fields = fields.into_iter().map(|(_, load)| load);
    quote!(#(#fields),*)
}

fn save(model: &Model<'_>) -> TokenStream {
    let fields = model.stored().enumerate().map(|(index, (field, stored))| {
        let (ident, kind, place) = (field.ident, kind(stored), place(index));
        quote!(#kind::save(&<Self as __Fields>::#place, __fields, &self.#ident);)
    });
    quote!(#(#fields)*)
}

fn validate(function: Option<&ExprPath>) -> TokenStream {
    match function {
        Some(path) => {
            let validate = adapted(path, &quote!(__p::Verdict::verdict));
            quote!(__p::validate(self, #validate))
        }
        None => quote!(__p::core::result::Result::Ok(())),
    }
}

fn debug_field(field: &Field<'_>) -> TokenStream {
    let ident = field.ident;
    let name = ident.unraw().to_string();
    if field.secret {
        quote!(__out.field(#name, &__p::core::format_args!("<secret>"));)
    } else {
        quote!(__out.field(#name, (&__p::Show(&self.#ident)).__show());)
    }
}
