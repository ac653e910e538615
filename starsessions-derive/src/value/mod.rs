//! Parses the values of attributes: literals and paths become typed values, or an error at the value.

mod text;

use std::time::Duration;

use quote::ToTokens;
use syn::{Expr, ExprPath, Lit, LitStr, Path};

pub(crate) use self::text::name as check_name;
use crate::attr::ungroup;
use crate::ctxt::Ctxt;
use crate::suggest::{list, nearest};

/// How concurrent changes of a field are merged.
#[derive(Clone)]
pub(crate) enum Merge {
    Last,
    /// A function of the runtime, and its trait.
    Policy(&'static str, &'static str),
    With(ExprPath),
}

/// A span of time: a whole number and a unit, in quotes.
pub(crate) fn duration(cx: &Ctxt, value: &Expr) -> Option<Duration> {
    let Some(literal) = string(value) else {
        return cx.refuse(value, duration_in_quotes(value));
    };
    match text::duration(&literal.value()) {
        Ok(duration) => Some(duration),
        Err(message) => cx.refuse(literal, message),
    }
}

/// A part of a stored name.
pub(crate) fn name(cx: &Ctxt, value: &Expr) -> Option<String> {
    checked(cx, value, ["a name", "cart"], text::name)
}

/// A part of a former stored name.
pub(crate) fn alias(cx: &Ctxt, value: &Expr) -> Option<String> {
    checked(cx, value, ["a name", "cart"], text::alias)
}

/// One value, or several in brackets.
pub(crate) fn one_or_more<'a>(cx: &Ctxt, value: &'a Expr) -> Vec<&'a Expr> {
    match ungroup(value) {
        Expr::Array(array) => {
            if array.elems.is_empty() {
                cx.error(
                    array,
                    "nothing is listed; write at least one, or remove this",
                );
            }
            array.elems.iter().collect()
        }
        one => vec![one],
    }
}

pub(crate) fn function(cx: &Ctxt, value: &Expr) -> Option<ExprPath> {
    let what = "the path of a function, as in `path::to::function`";
    match ungroup(value) {
        Expr::Path(path) => Some(path.clone()),
        _ => cx.refuse(value, without_quotes(what, value)),
    }
}

/// A policy by name, or the path of a function.
pub(crate) fn merge(cx: &Ctxt, value: &Expr) -> Option<Merge> {
    let Expr::Path(path) = ungroup(value) else {
        let policies = list(POLICIES.map(|(name, _)| name));
        let what = format!("{policies}, or the path of a function");
        return cx.refuse(value, without_quotes(&what, value));
    };
    let Some(word) = path.path.get_ident().map(ToString::to_string) else {
        return Some(Merge::With(path.clone()));
    };
    if let Some((_, policy)) = POLICIES.iter().find(|(name, _)| *name == word) {
        return Some(policy.clone());
    }
    if let Some(meant) = nearest(&word, POLICIES.iter().map(|(name, _)| *name)) {
        let message = format!(
            "unknown policy `{word}`; did you mean `{meant}`? (a function of this name is `self::{word}`)"
        );
        return cx.refuse(value, message);
    }
    Some(Merge::With(path.clone()))
}

/// The runtime's name of a format; `json` only if the feature is on.
pub(crate) fn codec(cx: &Ctxt, value: &Expr, json: bool) -> Option<&'static str> {
    match choice(cx, value, "codec", &["bincode", "json"])? {
        "json" if json => Some("Json"),
        "json" => cx.refuse(
            value,
            "`codec = json` needs the feature `json` of starsessions; add `features = [\"json\"]` to the dependency",
        ),
        _ => Some("Bincode"),
    }
}

/// `always`, the only valid word.
pub(crate) fn always(cx: &Ctxt, value: &Expr) -> Option<()> {
    choice(cx, value, "commit", &["always"]).map(|_| ())
}

/// `rotate`, the only valid word.
pub(crate) fn until(cx: &Ctxt, value: &Expr) -> Option<()> {
    choice(cx, value, "until", &["rotate"]).map(|_| ())
}

/// The version of a value: 1 and up.
pub(crate) fn version(cx: &Ctxt, value: &Expr) -> Option<u32> {
    let number = match literal(value) {
        Some(Lit::Int(number)) => number.base10_parse::<u32>(),
        _ => return cx.refuse(value, "a version is a whole number, as in `version = 2`"),
    };
    match number {
        Ok(0) => cx.refuse(
            value,
            "versions begin at 1; a field without `version` has version 1",
        ),
        Ok(version) => Some(version),
        Err(_) => cx.refuse(value, format!("a version is at most {}", u32::MAX)),
    }
}

/// Where a browser is redirected: a path on this site.
pub(crate) fn location(cx: &Ctxt, value: &Expr) -> Option<String> {
    checked(cx, value, ["a location", "/login"], text::location)
}

/// The path of the runtime crate, with or without quotes.
pub(crate) fn root(cx: &Ctxt, value: &Expr) -> Option<Path> {
    let path = match string(value) {
        Some(literal) => literal.parse::<Path>().ok(),
        None => match ungroup(value) {
            Expr::Path(path) if path.qself.is_none() => Some(path.path.clone()),
            _ => None,
        },
    };
    let path = path.filter(|path| path.segments.iter().all(|it| it.arguments.is_empty()));
    let expected = "expected the path of a crate or module, as in `crate = path::to::starsessions`";
    path.or_else(|| cx.refuse(value, expected))
}

fn literal(value: &Expr) -> Option<&Lit> {
    match ungroup(value) {
        Expr::Lit(literal) => Some(&literal.lit),
        _ => None,
    }
}

fn string(value: &Expr) -> Option<&LitStr> {
    match literal(value)? {
        Lit::Str(string) => Some(string),
        _ => None,
    }
}

/// A text in quotes that passes a check.
fn checked(
    cx: &Ctxt,
    value: &Expr,
    [what, example]: [&str; 2],
    check: fn(&str) -> Result<(), String>,
) -> Option<String> {
    let Some(literal) = string(value) else {
        return cx.refuse(value, in_quotes(what, example, value));
    };
    let text = literal.value();
    match check(&text) {
        Ok(()) => Some(text),
        Err(message) => cx.refuse(literal, message),
    }
}

/// One of a few words.
fn choice(cx: &Ctxt, value: &Expr, key: &str, words: &[&'static str]) -> Option<&'static str> {
    let quoted = string(value).map(LitStr::value);
    let written = match ungroup(value) {
        Expr::Path(path) => path.path.get_ident().map(ToString::to_string),
        _ => quoted.clone(),
    };
    let expected = list(words.iter().copied());
    let Some(written) = written else {
        return cx.refuse(value, format!("expected {expected}"));
    };
    let found = words.iter().copied().find(|word| *word == written);
    if found.is_some() && quoted.is_none() {
        return found;
    }
    let message = match (found, nearest(&written, words.iter().copied())) {
        (Some(word), _) => format!("write `{word}` without the quotes"),
        (None, Some(meant)) => {
            format!("`{written}` is not a value of `{key}`; did you mean `{meant}`?")
        }
        (None, None) => format!("`{written}` is not a value of `{key}`; write {expected}"),
    };
    cx.refuse(value, message)
}

/// The cure for a duration without quotes: the intended text, or why it is no duration.
fn duration_in_quotes(value: &Expr) -> String {
    let Some(Lit::Int(number)) = literal(value) else {
        return "a duration is a literal in quotes, as in \"10m\"".to_owned();
    };
    let (digits, unit) = (number.base10_digits(), number.suffix());
    let meant = format!("{digits}{}", if unit.is_empty() { "s" } else { unit });
    match text::duration(&meant) {
        Ok(_) if unit.is_empty() => {
            format!("`{number}` has no unit; write a duration in quotes, as in \"{meant}\"")
        }
        Ok(_) => format!("write the duration in quotes: \"{meant}\""),
        Err(message) => message,
    }
}

fn in_quotes(what: &str, example: &str, value: &Expr) -> String {
    match ungroup(value) {
        Expr::Path(path) if path.path.get_ident().is_some() => {
            let written = path.to_token_stream();
            format!("{what} is written in quotes: \"{written}\"")
        }
        _ => format!("{what} is a literal in quotes, as in \"{example}\""),
    }
}

fn without_quotes(what: &str, value: &Expr) -> String {
    match string(value).map(LitStr::value) {
        Some(text) if syn::parse_str::<Path>(&text).is_ok() => {
            format!("write `{text}` without the quotes")
        }
        _ => format!("expected {what}"),
    }
}

/// The first character of the stored name of a field that ends with its privileges. Of the names that users write, only
/// an `alias` may begin with it.
pub(crate) const ENDING: char = '~';

const POLICIES: [(&str, Merge); 8] = [
    ("last", Merge::Last),
    ("sum", Merge::Policy("sum", "Sum")),
    ("max", Merge::Policy("max", "Order")),
    ("min", Merge::Policy("min", "Order")),
    ("and", Merge::Policy("and", "Flag")),
    ("or", Merge::Policy("or", "Flag")),
    ("union", Merge::Policy("union", "Union")),
    ("append", Merge::Policy("append", "Append")),
];

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::{codec, function, merge, name};
    use crate::ctxt::Ctxt;

    #[test]
    fn json_needs_its_feature() {
        let cx = Ctxt::default();
        assert_eq!(codec(&cx, &parse_quote!(json), true), Some("Json"));
        assert_eq!(codec(&cx, &parse_quote!(bincode), false), Some("Bincode"));
        assert!(cx.finish().is_ok());

        let cx = Ctxt::default();
        assert_eq!(codec(&cx, &parse_quote!(json), false), None);
        let message = cx.finish().unwrap_err().to_string();
        assert!(
            message.contains("the feature `json` of starsessions"),
            "{message}"
        );
    }

    #[test]
    fn a_suggestion_is_valid_input() {
        let cx = Ctxt::default();
        assert_eq!(name(&cx, &parse_quote!(shop::cart)), None);
        assert!(function(&cx, &parse_quote!("small enough")).is_none());
        let errors = cx.finish().unwrap_err().into_iter();
        let messages: Vec<_> = errors.map(|error| error.to_string()).collect();
        assert_eq!(
            messages,
            [
                "a name is a literal in quotes, as in \"cart\"",
                "expected the path of a function, as in `path::to::function`"
            ]
        );
    }

    #[test]
    fn a_function_near_a_policy_is_named_by_its_path() {
        let cx = Ctxt::default();
        assert!(merge(&cx, &parse_quote!(newest)).is_some());
        assert!(merge(&cx, &parse_quote!(self::summ)).is_some());
        assert!(merge(&cx, &parse_quote!(sum::<u8>)).is_some());
        assert!(cx.finish().is_ok());

        let cx = Ctxt::default();
        assert!(merge(&cx, &parse_quote!(summ)).is_none());
        assert!(cx.finish().is_err());
    }
}
