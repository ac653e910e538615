//! Parses `#[session(..)]`: keys, values and their place, without their meaning.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Attribute, Expr, Ident, Meta, Token};

use crate::ctxt::Ctxt;
use crate::keys::{Entry, Key, Place, Shape, find};

/// The items of all `#[session(..)]` attributes of a field or struct, in source order.
pub(crate) struct Attrs {
    items: Vec<Item>,
}

/// One `key` or `key = value`.
pub(crate) struct Item {
    pub(crate) entry: &'static Entry,
    pub(crate) key: Ident,
    /// `Some` exactly if the key takes a value.
    pub(crate) value: Option<Expr>,
}

impl Attrs {
    /// Reads the attributes. Unknown, misplaced, repeated or malformed items are reported and left out.
    pub(crate) fn parse(cx: &Ctxt, place: Place, attributes: &[Attribute]) -> Self {
        let mut attrs = Self { items: Vec::new() };
        for attribute in attributes {
            if attribute.path().is_ident("session") {
                attrs.read(cx, place, attribute);
            }
        }
        attrs
    }

    /// The item of `key`; the first one if it may be repeated.
    pub(crate) fn get(&self, key: Key) -> Option<&Item> {
        self.all(key).next()
    }

    pub(crate) fn has(&self, key: Key) -> bool {
        self.get(key).is_some()
    }

    pub(crate) fn all(&self, key: Key) -> impl Iterator<Item = &Item> {
        self.items.iter().filter(move |item| item.entry.key == key)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Item> {
        self.items.iter()
    }

    /// The values of `key`, as written.
    pub(crate) fn values(&self, key: Key) -> impl Iterator<Item = &Expr> {
        self.all(key).filter_map(|item| item.value.as_ref())
    }

    /// The items of two keys in source order, if both are given.
    pub(crate) fn pair(&self, key: Key, other: Key) -> Option<(&Item, &Item)> {
        self.both(key, self.get(other)?)
    }

    /// `item` and the item of `key` in source order, if `key` is given.
    pub(crate) fn both<'a>(&'a self, key: Key, item: &'a Item) -> Option<(&'a Item, &'a Item)> {
        let other = self.get(key)?;
        let mut items = self.items.iter();
        let first = items.find(|it| std::ptr::eq(*it, item) || std::ptr::eq(*it, other))?;
        if std::ptr::eq(first, item) {
            Some((item, other))
        } else {
            Some((other, item))
        }
    }

    fn read(&mut self, cx: &Ctxt, place: Place, attribute: &Attribute) {
        let Meta::List(list) = &attribute.meta else {
            let message = "`#[session]` takes its keys in parentheses, as in `#[session(..)]`";
            return cx.error(&attribute.meta, message);
        };
        if list.tokens.is_empty() {
            let message = "this empty `#[session()]` has no effect; remove it";
            return cx.error(&attribute.meta, message);
        }
        let result = list.parse_args_with(|input: ParseStream<'_>| {
            while !input.is_empty() {
                match read_item(place, input) {
                    Ok(item) => self.add(cx, item),
                    Err(error) => {
                        cx.push(error);
                        skip_to_comma(input)?;
                    }
                }
                if !input.is_empty() {
                    input.parse::<Token![,]>()?;
                }
            }
            Ok(())
        });
        if let Err(error) = result {
            cx.push(error);
        }
    }

    fn add(&mut self, cx: &Ctxt, item: Item) {
        if item.entry.shape != Shape::Values && self.has(item.entry.key) {
            let name = item.entry.name;
            return cx.error(item.key, format!("`{name}` is given twice; keep one"));
        }
        self.items.push(item);
    }
}

impl Item {
    /// The item as it is written, for a message; of the values, only literals and single words are shown.
    pub(crate) fn describe(&self) -> String {
        let name = self.entry.name;
        match self.value.as_ref().map(ungroup) {
            Some(Expr::Lit(value)) => format!("{name} = {}", value.to_token_stream()),
            Some(Expr::Path(value)) if value.path.get_ident().is_some() => {
                format!("{name} = {}", value.to_token_stream())
            }
            _ => name.to_owned(),
        }
    }
}

/// The tokens that an error about the whole item underlines.
impl ToTokens for Item {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.key.to_tokens(tokens);
        self.value.to_tokens(tokens);
    }
}

/// The expression inside the invisible delimiters that a `macro_rules` fragment has around it.
pub(crate) fn ungroup(mut value: &Expr) -> &Expr {
    while let Expr::Group(group) = value {
        value = &group.expr;
    }
    value
}

/// Reads up to the next comma. Checks the key after parsing its value, so that an unknown key is one error.
fn read_item(place: Place, input: ParseStream<'_>) -> syn::Result<Item> {
    if !input.peek(Ident::peek_any) {
        return Err(input.error("expected a key, as in `#[session(rotate)]`"));
    }
    let key = input.call(Ident::parse_any)?;
    let mut value = None;
    if input.peek(Token![=]) {
        input.parse::<Token![=]>()?;
        if !ends(input) {
            value = Some(input.parse::<Expr>());
        }
    }
    let entry =
        find(place, &key.to_string()).map_err(|message| syn::Error::new(key.span(), message))?;
    let value = value
        .transpose()
        .map_err(|error| malformed(entry, &error))?;
    if !ends(input) {
        let token: TokenTree = input.parse()?;
        let message = unexpected(entry, value.is_some());
        return Err(syn::Error::new_spanned(token, message));
    }
    match (&value, entry.shape) {
        (Some(value), Shape::Flag) => Err(superfluous(entry, value)),
        (None, Shape::Value | Shape::Values) => Err(missing(entry, &key)),
        _ => Ok(Item { entry, key, value }),
    }
}

fn ends(input: ParseStream<'_>) -> bool {
    input.is_empty() || input.peek(Token![,])
}

fn skip_to_comma(input: ParseStream<'_>) -> syn::Result<()> {
    while !ends(input) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}

fn unexpected(entry: &Entry, after_value: bool) -> String {
    let Entry { name, usage, .. } = entry;
    if after_value {
        return format!("expected `,` after the value of `{name}`");
    }
    match entry.shape {
        Shape::Flag => format!("expected `,` after `{name}`, which takes no value"),
        Shape::Value | Shape::Values => format!("expected `=` after `{name}`, as in `{usage}`"),
    }
}

fn malformed(entry: &Entry, error: &syn::Error) -> syn::Error {
    let Entry { name, usage, .. } = entry;
    let message = format!("expected the value of `{name}`, as in `{usage}`");
    syn::Error::new(error.span(), message)
}

fn superfluous(entry: &Entry, value: &Expr) -> syn::Error {
    let name = entry.name;
    let written = value.to_token_stream().to_string();
    let way_out = match written.as_str() {
        "false" => format!("to switch it off, leave out `{name}`"),
        _ => format!("write `{name}` alone"),
    };
    syn::Error::new_spanned(value, format!("`{name}` takes no value; {way_out}"))
}

fn missing(entry: &Entry, key: &Ident) -> syn::Error {
    let Entry {
        name, usage, doc, ..
    } = entry;
    let message = format!("`{name}` needs a value, as in `{usage}` ({doc})");
    syn::Error::new(key.span(), message)
}
