//! The meaning of the attributes of a field.

use std::time::Duration;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Expr, ExprPath, Field as Declaration, GenericArgument, Ident, PathArguments, Type};

use super::read;
use crate::attr::Attrs;
use crate::ctxt::Ctxt;
use crate::keys::{Key, Place};
use crate::value::{self, Merge};

pub(crate) struct Field<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) ty: &'a Type,
    pub(crate) attrs: Attrs,
    pub(crate) secret: bool,
    pub(crate) kind: Kind<'a>,
}

/// Whether a field has a place in the record.
pub(crate) enum Kind<'a> {
    /// `skip`: the field has this value whenever the struct is built.
    Skipped(Initial),
    Stored(Box<Stored<'a>>),
}

pub(crate) struct Stored<'a> {
    /// The name, without the namespace.
    pub(crate) name: Name,
    /// The former names, without the namespace.
    pub(crate) aliases: Vec<Name>,
    pub(crate) presence: Presence<'a>,
    pub(crate) expires: Option<Duration>,
    pub(crate) idle: Option<Duration>,
    /// The field is removed when the privileges change.
    pub(crate) until_rotate: bool,
    pub(crate) rotate: bool,
    pub(crate) commit_always: bool,
    pub(crate) index: bool,
    pub(crate) exclusive: bool,
    pub(crate) flash: bool,
    pub(crate) merge: Merge,
    /// The runtime's name of the format.
    pub(crate) codec: &'static str,
    /// `None` means 1.
    pub(crate) version: Option<u32>,
    pub(crate) migrate: Option<ExprPath>,
    pub(crate) validate: Option<ExprPath>,
}

/// The meaning of an absent value.
pub(crate) enum Presence<'a> {
    /// The extractor rejects the request.
    Required,
    /// `Option<T>`: absent is `None`, and the `T` is stored.
    Optional(&'a Type),
    /// The field has this value.
    Initial(Initial),
}

/// The value of a field that is not stored.
pub(crate) enum Initial {
    /// `Default::default()`
    Default,
    /// `default = expr`
    Expr(Expr),
}

/// A stored name, and the tokens at which errors about it are reported.
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) at: TokenStream,
}

impl<'a> Field<'a> {
    /// Whether the type is `Option<..>`.
    pub(crate) fn is_option(&self) -> bool {
        option_of(self.ty).is_some()
    }

    pub(super) fn parse(cx: &Ctxt, declaration: &'a Declaration) -> Option<Self> {
        let ident = declaration.ident.as_ref()?;
        let attrs = Attrs::parse(cx, Place::Field, &declaration.attrs);
        let kind = if attrs.has(Key::Skip) {
            Kind::Skipped(Initial::of(&attrs))
        } else {
            Kind::Stored(Box::new(Stored::parse(cx, &attrs, ident, &declaration.ty)))
        };
        Some(Self {
            ident,
            ty: &declaration.ty,
            secret: attrs.has(Key::Secret),
            kind,
            attrs,
        })
    }
}

impl<'a> Stored<'a> {
    fn parse(cx: &Ctxt, attrs: &Attrs, ident: &Ident, ty: &'a Type) -> Self {
        let rename = |cx: &Ctxt, name: &Expr| Name::of(name, value::name(cx, name));
        let alias = |name: &Expr| Name::of(name, value::alias(cx, name));
        let aliases = attrs.values(Key::Alias);
        let aliases = aliases.flat_map(|names| value::one_or_more(cx, names));
        let codec = |cx: &Ctxt, value: &Expr| value::codec(cx, value, cfg!(feature = "json"));
        let presence = Presence::of(attrs, ty);
        let flash = attrs.has(Key::Flash);
        let merge = read(cx, attrs, Key::Merge, value::merge).unwrap_or(Merge::Last);
        Self {
            name: read(cx, attrs, Key::Rename, rename)
                .unwrap_or_else(|| default_name(cx, attrs, ident)),
            aliases: aliases.filter_map(alias).collect(),
            expires: read(cx, attrs, Key::Expires, value::duration),
            idle: read(cx, attrs, Key::Idle, value::duration),
            until_rotate: read(cx, attrs, Key::Until, value::until).is_some(),
            rotate: attrs.has(Key::Rotate),
            commit_always: read(cx, attrs, Key::Commit, value::always).is_some(),
            index: attrs.has(Key::Index),
            exclusive: attrs.has(Key::Exclusive),
            flash,
            merge: match presence {
                Presence::Required | Presence::Initial(_) if flash => {
                    Merge::Policy("flash", "Flash")
                }
                _ => merge,
            },
            presence,
            codec: read(cx, attrs, Key::Codec, codec).unwrap_or("Bincode"),
            version: read(cx, attrs, Key::Version, value::version),
            migrate: read(cx, attrs, Key::Migrate, value::function),
            validate: read(cx, attrs, Key::Validate, value::function),
        }
    }

    /// The name and the former names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &Name> {
        std::iter::once(&self.name).chain(&self.aliases)
    }

    /// The type that is stored, given the type of the field.
    pub(crate) fn ty(&self, declared: &'a Type) -> &'a Type {
        match self.presence {
            Presence::Optional(inner) => inner,
            Presence::Required | Presence::Initial(_) => declared,
        }
    }
}

impl Name {
    fn of(value: &Expr, text: Option<String>) -> Option<Self> {
        let at = value.to_token_stream();
        Some(Self { text: text?, at })
    }
}

impl<'a> Presence<'a> {
    fn of(attrs: &Attrs, ty: &'a Type) -> Self {
        if attrs.has(Key::Required) {
            return Self::Required;
        }
        match option_of(ty) {
            Some(inner) if !attrs.has(Key::Default) => Self::Optional(inner),
            _ => Self::Initial(Initial::of(attrs)),
        }
    }
}

impl Initial {
    fn of(attrs: &Attrs) -> Self {
        match attrs.values(Key::Default).next() {
            Some(value) => Self::Expr(value.clone()),
            None => Self::Default,
        }
    }
}

/// The `T` of `Option<T>`, the only type that is recognised by its name.
fn option_of(ty: &Type) -> Option<&Type> {
    let path = match ty {
        // The invisible delimiters of a `macro_rules` fragment.
        Type::Group(group) => return option_of(&group.elem),
        Type::Paren(paren) => return option_of(&paren.elem),
        Type::Path(path) => &path.path,
        _ => return None,
    };
    let names: Vec<_> = path
        .segments
        .iter()
        .map(|it| it.ident.to_string())
        .collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let last = match names[..] {
        ["Option"] if path.leading_colon.is_none() => path.segments.last(),
        ["std" | "core", "option", "Option"] => path.segments.last(),
        _ => None,
    };
    match &last?.arguments {
        PathArguments::AngleBracketed(list) => match list.args.first() {
            Some(GenericArgument::Type(inner)) => Some(inner),
            _ => None,
        },
        _ => None,
    }
}

fn default_name(cx: &Ctxt, attrs: &Attrs, ident: &Ident) -> Name {
    let text = ident.unraw().to_string();
    if !attrs.has(Key::Rename) && value::check_name(&text).is_err() {
        let message =
            format!("`{text}` cannot be a stored name; add `#[session(rename = \"..\")]`");
        cx.error(ident, message);
    }
    let at = ident.to_token_stream();
    Name { text, at }
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;
    use syn::token::Group;
    use syn::{Type, TypeGroup, parse_quote};

    use super::option_of;

    #[test]
    fn an_option_is_known_by_its_name() {
        let options: [Type; 6] = [
            parse_quote!(Option<u8>),
            parse_quote!((Option<u8>)),
            parse_quote!(std::option::Option<u8>),
            parse_quote!(::std::option::Option<u8>),
            parse_quote!(core::option::Option<u8>),
            parse_quote!(::core::option::Option<u8>),
        ];
        for option in &options {
            let inner = option_of(option).map(|inner| inner.to_token_stream().to_string());
            assert_eq!(inner.as_deref(), Some("u8"));
            // The form of a `macro_rules` fragment.
            let group = Type::Group(TypeGroup {
                attrs: Vec::new(),
                group_token: Group::default(),
                elem: Box::new(option.clone()),
            });
            assert!(option_of(&group).is_some());
        }
        let others: [Type; 6] = [
            parse_quote!(u8),
            parse_quote!(Option),
            parse_quote!(::Option<u8>),
            parse_quote!(mine::Option<u8>),
            parse_quote!(Vec<Option<u8>>),
            parse_quote!(<u8 as Maybe>::Option<u8>),
        ];
        for other in &others {
            assert!(option_of(other).is_none());
        }
    }
}
