//! Whole expansions, and the vocabulary against its documentation and its tests.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::derive;
use crate::keys::{Place, VOCABULARY};

/// Each file in `golden` is an input and, below a line, its expansion. `BLESS=1` rewrites the expansions.
#[test]
fn expansions_are_as_recorded() {
    let bless = std::env::var_os("BLESS").is_some();
    let files = files(&here("golden"), "rs");
    assert!(!files.is_empty());
    for path in files {
        let recorded = fs::read_to_string(&path).unwrap();
        let input = recorded.split(LINE).next().unwrap();
        let tokens: TokenStream = input.parse().unwrap();
        let output = prettyplease::unparse(&syn::parse2(derive(tokens)).unwrap());
        let expanded = format!("{}\n\n{LINE}\n\n{output}", input.trim_end());
        if bless {
            fs::write(&path, expanded).unwrap();
        } else {
            assert!(recorded == expanded, "{}:\n{output}", path.display());
        }
    }
}

#[test]
fn with_another_root_the_default_one_does_not_occur() {
    let output = derive(quote! {
        #[session(crate = my::sessions, validate = sane)]
        struct Shop {
            #[session(merge = sum, validate = small, version = 2, migrate = from_v1)]
            views: u64,
            #[session(merge = newest)]
            coupon: Option<Coupon>,
            #[session(skip, default = 1)]
            here: u8,
        }
    })
    .to_string();
    assert!(output.contains("use my :: sessions :: __private as __p"));
    assert!(!output.contains("starsessions"));
}

#[test]
fn an_input_that_is_no_item_is_an_error_and_no_panic() {
    for input in ["", "struct", "fn f() {}", "struct Shop { views }"] {
        let output = derive(input.parse().unwrap()).to_string();
        assert!(output.contains("compile_error"), "{input}: {output}");
    }
}

#[test]
fn a_stored_name_may_have_128_bytes_with_the_sign_of_until() {
    let namespace = "n".repeat(64);
    for (length, rule, mistaken) in [
        (63, quote!(), 0),
        (64, quote!(), 1),
        (62, quote!(, until = rotate), 0),
        (63, quote!(, until = rotate), 1),
    ] {
        let field = format_ident!("{}", "f".repeat(length));
        let input = quote! {
            #[session(namespace = #namespace #rule)]
            struct Shop { #field: u8 }
        };
        assert_eq!(mistakes(input), mistaken, "{length} {rule}");
    }
}

/// `~b` is the stored name of a field `b` with `until = rotate`.
#[test]
fn a_field_that_was_until_rotate_may_be_read_by_an_alias() {
    for (fields, mistaken) in [
        (quote!(#[session(alias = "~a")] a: u8), 0),
        (quote!(#[session(alias = ["b", "~b"])] a: u8), 0),
        (quote!(#[session(until = rotate, alias = "~b")] a: u8), 0),
        (quote!(#[session(until = rotate, alias = "~a")] a: u8), 1),
        (
            quote!(#[session(until = rotate, alias = ["b", "~b"])] a: u8),
            1,
        ),
        (
            quote!(#[session(until = rotate)] a: u8, #[session(alias = "~a")] b: u8),
            1,
        ),
        (quote!(#[session(alias = "~~a")] a: u8), 1),
        (quote!(#[session(rename = "~a")] a: u8), 1),
    ] {
        let input = quote!(struct Shop { #fields });
        assert_eq!(mistakes(input), mistaken, "{fields}");
    }
}

/// The default name is not checked if another one is given.
#[test]
fn a_name_that_cannot_be_one_is_one_mistake() {
    let input = quote! {
        #[session(namespace = "a b")]
        struct Ä { #[session(rename = "c d")] ö: u8 }
    };
    assert_eq!(mistakes(input), 2);
}

fn mistakes(input: TokenStream) -> usize {
    derive(input).to_string().matches("compile_error").count()
}

/// The heading of a key and its one line stand in the reference word for word.
#[test]
fn every_key_is_in_the_reference() {
    let reference = here("../starsessions/src/docs/attributes.md");
    let reference = fs::read_to_string(reference).unwrap();
    let (fields, structs) = reference.split_once("\n# On the struct\n").unwrap();
    for entry in VOCABULARY {
        let part = match entry.place {
            Place::Field => fields,
            Place::Struct => structs,
        };
        let heading = format!("\n### `{}`\n", entry.usage);
        let text = part.split_once(&heading).map(|(_, text)| text);
        let text = text.unwrap_or_else(|| panic!("no heading `{}`", entry.usage));
        let first = text.trim_start().lines().next().unwrap();
        assert_eq!(
            first.to_lowercase(),
            format!("{}.", entry.doc.to_lowercase())
        );
    }
}

/// The UI tests have a mistake with each key, whose error names the key.
#[test]
fn every_key_has_a_mistake_in_the_ui_tests() {
    let mut explained = String::new();
    for topic in fs::read_dir(here("../tests/ui/fail")).unwrap() {
        for path in files(&topic.unwrap().path(), "stderr") {
            explained += &fs::read_to_string(path).unwrap();
        }
    }
    let errors: Vec<_> = explained
        .lines()
        .filter(|it| it.starts_with("error"))
        .collect();
    for entry in VOCABULARY {
        let (alone, with_value) = (format!("`{}`", entry.name), format!("`{} = ", entry.name));
        let found = errors
            .iter()
            .any(|it| it.contains(&alone) || it.contains(&with_value));
        assert!(found, "no mistake with `{}`", entry.name);
    }
}

/// A path in the package; the workspace around it has the reference and the UI tests.
fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == extension))
        .collect();
    files.sort();
    files
}

const LINE: &str = "// ------------------------------------------------------------ expands to";
