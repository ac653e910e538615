//! The meaning of the attributes. A model that was parsed without an error is valid; otherwise the model lacks the
//! attributes that the errors are about.

mod field;

use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::{
    Data, DeriveInput, Expr, ExprPath, Field as Declaration, Fields, Generics, Ident, Path, Token,
    parse_quote,
};

pub(crate) use self::field::{Field, Initial, Kind, Name, Presence, Stored};
use crate::attr::Attrs;
use crate::ctxt::Ctxt;
use crate::keys::{Key, Place};
use crate::value::{self, ENDING};

pub(crate) struct Model<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) generics: &'a Generics,
    pub(crate) attrs: Attrs,
    /// The runtime crate.
    pub(crate) root: Path,
    pub(crate) namespace: String,
    pub(crate) realm: String,
    /// If the session is bound to a device, the device must have proved itself.
    pub(crate) bound: bool,
    pub(crate) reject: Option<String>,
    pub(crate) validate: Option<ExprPath>,
    /// Every field is removed when the privileges change.
    pub(crate) until_rotate: bool,
    /// Whether the fields have names; otherwise an error was reported.
    pub(crate) named: bool,
    pub(crate) fields: Vec<Field<'a>>,
}

impl<'a> Model<'a> {
    /// Reads the input: every part, even if other parts have errors.
    pub(crate) fn parse(cx: &Ctxt, input: &'a DeriveInput) -> Self {
        let attrs = Attrs::parse(cx, Place::Struct, &input.attrs);
        let namespace = read(cx, &attrs, Key::Namespace, value::name);
        let realm = read(cx, &attrs, Key::Realm, value::name);
        let declarations = named_fields(cx, input);
        Self {
            ident: &input.ident,
            generics: &input.generics,
            root: read(cx, &attrs, Key::Crate, value::root)
                .unwrap_or_else(|| parse_quote!(::starsessions)),
            namespace: namespace.unwrap_or_else(|| default_namespace(cx, &attrs, &input.ident)),
            realm: realm.unwrap_or_default(),
            bound: bound(cx, &attrs, cfg!(feature = "dbsc")),
            reject: read(cx, &attrs, Key::Reject, value::location),
            validate: read(cx, &attrs, Key::Validate, value::function),
            until_rotate: read(cx, &attrs, Key::Until, value::until).is_some(),
            named: declarations.is_some(),
            fields: declarations
                .into_iter()
                .flatten()
                .filter_map(|declaration| Field::parse(cx, declaration))
                .collect(),
            attrs,
        }
    }

    /// The stored fields, in the order of the schema.
    pub(crate) fn stored(&self) -> impl Iterator<Item = (&Field<'a>, &Stored<'a>)> {
        self.fields.iter().filter_map(|field| match &field.kind {
            Kind::Stored(stored) => Some((field, &**stored)),
            Kind::Skipped(_) => None,
        })
    }

    /// The name in the record.
    fn qualify(&self, name: &str) -> String {
        format!("{}.{name}", self.namespace)
    }

    /// Whether a field is removed when the privileges change.
    pub(crate) fn ends_with_privileges(&self, stored: &Stored<'_>) -> bool {
        self.until_rotate || stored.until_rotate
    }

    /// The stored name of a field, and its former ones.
    pub(crate) fn stored_names(&self, stored: &Stored<'_>) -> (String, Vec<String>) {
        let names = stored.names().flat_map(|name| self.spellings(stored, name));
        let mut names: Vec<_> = names.collect();
        (names.remove(0), names)
    }

    /// The names in the record that a name of the field stands for. A field that ends with its privileges is marked in
    /// its name, because the request that changes the privileges may not know the field's type. Values that were
    /// stored without the mark are read, too.
    pub(crate) fn spellings(
        &self,
        stored: &Stored<'_>,
        Name { text, .. }: &Name,
    ) -> impl Iterator<Item = String> {
        let is_marked = self.ends_with_privileges(stored) && !text.starts_with(ENDING);
        let marked = is_marked.then(|| self.qualify(&format!("{ENDING}{text}")));
        marked.into_iter().chain([self.qualify(text)])
    }
}

/// The value of `key`, if it is given and valid.
fn read<T>(
    cx: &Ctxt,
    attrs: &Attrs,
    key: Key,
    parse: impl FnOnce(&Ctxt, &Expr) -> Option<T>,
) -> Option<T> {
    parse(cx, attrs.values(key).next()?)
}

/// `bound`, if the feature is on.
fn bound(cx: &Ctxt, attrs: &Attrs, dbsc: bool) -> bool {
    let item = attrs.get(Key::Bound);
    if let Some(item) = item.filter(|_| !dbsc) {
        let message = "`bound` needs the feature `dbsc` of starsessions; add `features = [\"dbsc\"]` to the dependency";
        cx.error(item, message);
    }
    item.is_some()
}

/// The fields of a struct with named fields; other inputs are reported.
fn named_fields<'a>(
    cx: &Ctxt,
    input: &'a DeriveInput,
) -> Option<&'a Punctuated<Declaration, Token![,]>> {
    let only = "a session is a struct with named fields";
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => return Some(&fields.named),
            Fields::Unnamed(fields) => {
                let message = format!("{only}; give each field a name, under which it is stored");
                cx.error(fields, message);
            }
            Fields::Unit => {
                let message = format!("{only}; add one, as in `{{ views: u64 }}`");
                cx.error(&input.ident, message);
            }
        },
        Data::Enum(data) => {
            let message = format!("{only}; make the enum the type of a field");
            cx.error(data.enum_token, message);
        }
        Data::Union(data) => {
            let message = format!("{only}; a union cannot be stored");
            cx.error(data.union_token, message);
        }
    }
    None
}

fn default_namespace(cx: &Ctxt, attrs: &Attrs, ident: &Ident) -> String {
    let name = snake_case(&ident.unraw().to_string());
    if !attrs.has(Key::Namespace) && value::check_name(&name).is_err() {
        let message =
            format!("`{name}` cannot be a namespace; add `#[session(namespace = \"..\")]`");
        cx.error(ident, message);
    }
    name
}

/// `HTTPLog2Entry` becomes `http_log2_entry`.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    let mut before = None;
    let mut letters = name.chars().peekable();
    while let Some(letter) = letters.next() {
        let starts_word = match before {
            None | Some('_') => false,
            Some(before) if char::is_uppercase(before) => {
                letters.peek().copied().is_some_and(char::is_lowercase)
            }
            Some(_) => true,
        };
        if letter.is_uppercase() && starts_word {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
        before = Some(letter);
    }
    snake
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::{bound, snake_case};
    use crate::attr::Attrs;
    use crate::ctxt::Ctxt;
    use crate::keys::Place;

    #[test]
    fn bound_needs_its_feature() {
        for (dbsc, mistakes) in [(true, 0), (false, 1)] {
            let cx = Ctxt::default();
            let attrs = Attrs::parse(&cx, Place::Struct, &[parse_quote!(#[session(bound)])]);
            assert!(bound(&cx, &attrs, dbsc));
            let errors = cx.finish().err().into_iter().flatten();
            assert_eq!(errors.count(), mistakes);
        }
    }

    #[test]
    fn a_namespace_is_the_name_in_snake_case() {
        for (name, snake) in [
            ("Shop", "shop"),
            ("ShopCart", "shop_cart"),
            ("HTTPLog2Entry", "http_log2_entry"),
            ("UserID", "user_id"),
            ("already_snake", "already_snake"),
            ("Mixed_Case", "mixed_case"),
            ("_Private", "_private"),
            ("X", "x"),
            ("", ""),
        ] {
            assert_eq!(snake_case(name), snake, "{name}");
        }
    }
}
