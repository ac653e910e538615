//! Bounds for generic session types: only on the types of fields that need them, never on the parameters.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, format_ident};
use syn::{Generics, Ident, Type, WherePredicate, parse_quote};

use crate::model::{Field, Initial, Kind, Model, Presence};
use crate::value::Merge;

/// The generics of the type, with the bounds of the implementations added to the `where` clause.
pub(crate) fn bounded(model: &Model<'_>) -> Generics {
    let mut generics = model.generics.clone();
    let types = generics.type_params().map(|it| it.ident.clone());
    let constants = generics.const_params().map(|it| it.ident.clone());
    let parameters: Vec<Ident> = types.chain(constants).collect();
    let mut predicates = supertraits(&generics);
    for field in &model.fields {
        if mentions(field.ty, &parameters) {
            predicates.extend(predicates_of(field));
        }
    }
    if !predicates.is_empty() {
        let clause = generics.make_where_clause();
        clause.predicates.extend(predicates);
    }
    generics
}

/// The supertraits of `SessionData` as bounds; without parameters the compiler checks them by itself.
pub(crate) fn supertraits(generics: &Generics) -> Vec<WherePredicate> {
    if generics.type_params().next().is_some() {
        vec![parse_quote!(Self: __p::core::marker::Send + __p::core::marker::Sync + 'static)]
    } else if generics.lifetimes().next().is_some() {
        vec![parse_quote!(Self: 'static)]
    } else {
        Vec::new()
    }
}

fn predicates_of(field: &Field<'_>) -> Vec<WherePredicate> {
    let declared = field.ty;
    let default = parse_quote!(#declared: __p::core::default::Default);
    let stored = match &field.kind {
        Kind::Skipped(Initial::Default) => return vec![default],
        Kind::Skipped(Initial::Expr(_)) => return Vec::new(),
        Kind::Stored(stored) => stored,
    };
    let ty = stored.ty(declared);
    let mut predicates = vec![parse_quote!(#ty: __p::Value)];
    if let Presence::Initial(Initial::Default) = stored.presence {
        predicates.push(default);
    }
    if stored.index {
        predicates.push(parse_quote!(#ty: __p::IndexValue));
    }
    if let Merge::Policy(_, bound) = stored.merge {
        let bound = format_ident!("{bound}");
        predicates.push(parse_quote!(#declared: __p::#bound));
    }
    predicates
}

/// Whether the type names one of the parameters, or `Self`, which contains them.
fn mentions(ty: &Type, parameters: &[Ident]) -> bool {
    fn any(tokens: TokenStream, found: &impl Fn(&Ident) -> bool) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Group(group) => any(group.stream(), found),
            TokenTree::Ident(ident) => found(&ident),
            TokenTree::Punct(_) | TokenTree::Literal(_) => false,
        })
    }
    !parameters.is_empty()
        && any(ty.to_token_stream(), &|ident| {
            ident == "Self" || parameters.contains(ident)
        })
}
