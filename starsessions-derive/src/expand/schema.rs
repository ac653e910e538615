//! The `SCHEMA` constant.

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Ident, Type};

use super::fields::kind;
use super::{option, place};
use crate::model::{Field, Model, Presence, Stored};
use crate::value::Merge;

pub(super) fn schema(model: &Model<'_>, specs: &TokenStream) -> TokenStream {
    let type_name = model.ident.unraw().to_string();
    let realm = &model.realm;
    let bound = model.bound;
    let reject = option(model.reject.as_ref().map(|location| quote!(#location)));
    quote! {
        &__p::Schema {
            type_name: #type_name,
            module: __p::core::module_path!(),
            realm: #realm,
            bound: #bound,
            reject: #reject,
            fields: &[#specs],
        }
    }
}

pub(super) fn specs(model: &Model<'_>) -> TokenStream {
    let stored = model.stored().enumerate();
    let specs = stored.map(|(index, (field, stored))| spec(model, index, field, stored));
    quote!(#(#specs),*)
}

fn spec(model: &Model<'_>, index: usize, field: &Field<'_>, stored: &Stored<'_>) -> TokenStream {
    let (name, aliases) = model.stored_names(stored);
    let expires = option(stored.expires.map(duration));
    let idle = option(stored.idle.map(duration));
    let Stored {
        rotate,
        commit_always,
        index: indexed,
        flash,
        ..
    } = stored;
    let required = matches!(stored.presence, Presence::Required);
    let version = stored.version.unwrap_or(1);
    let merge = merge(index, field.ty, stored);
    let place = place(index);
    quote! {
        __p::FieldSpec {
            name: #name,
            aliases: &[#(#aliases),*],
            version: #version,
            field_type: __p::Column::field_type(&<Self as __Fields>::#place.0),
            expires: #expires,
            idle: #idle,
            required: #required,
            rotate: #rotate,
            commit_always: #commit_always,
            index: #indexed,
            flash: #flash,
            merge: #merge,
        }
    }
}

fn duration(duration: Duration) -> TokenStream {
    let seconds = duration.as_secs();
    quote!(__p::core::time::Duration::from_secs(#seconds))
}

fn merge(index: usize, ty: &Type, stored: &Stored<'_>) -> TokenStream {
    if stored.exclusive {
        return quote!(__p::Merge::Exclusive);
    }
    let policy = match &stored.merge {
        // An `Option`; other types have a policy.
        Merge::Last if stored.flash => return quote!(__p::Merge::With(__p::merge_flash)),
        Merge::Last => return quote!(__p::Merge::Last),
        Merge::Policy(function, policy) => {
            let [function, policy] = [function, policy].map(|name| format_ident!("{name}"));
            quote!(<#ty as __p::#policy>::#function)
        }
        Merge::With(path) => {
            // A call, for the same reason as in `adapted`.
            let sides = ["__base", "__mine", "__theirs"].map(|side| Ident::new(side, path.span()));
            let [base, mine, theirs] = &sides;
            let call = quote_spanned!(path.span()=> #path(#base, #mine, #theirs));
            quote!(|#base, #mine, #theirs| #call)
        }
    };
    let (kind, place) = (kind(stored), place(index));
    quote! {
        __p::Merge::With(|__base, __mine, __theirs| {
            #kind::merge(&<Self as __Fields>::#place, #policy, __base, __mine, __theirs)
        })
    }
}
