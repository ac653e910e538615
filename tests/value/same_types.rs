//! A change that affects neither the bytes of a value nor their meaning does not change its mark.

use std::collections::BTreeSet;
use std::thread;

use starsessions::value::ValueError;

use crate::support::{bincode, encode, pairs};

pairs! { assert_same:
    the_same_in_another_module { struct T { a: u8, b: Vec<String> } } => { struct T { a: u8, b: Vec<String> } }
    the_same_tuple { type T = (u8, String); } => { type T = (u8, String); }
    boxed { type T = u64; } => { type T = Box<u64>; }
    boxed_deep_inside { struct A { a: u8 } struct T { a: Option<A> } } => { struct A { a: u8 } struct T { a: Option<Box<A>> } }
    boxed_text { type T = String; } => { type T = Box<str>; }
    borrowed_text { type T = String; } => { type T = Cow<'static, str>; }
    text_and_path { type T = String; } => { type T = std::path::PathBuf; }
    list_and_deque { type T = Vec<u8>; } => { type T = VecDeque<u8>; }
    list_and_linked_list { type T = Vec<u8>; } => { type T = LinkedList<u8>; }
    list_and_boxed_slice { type T = Vec<u8>; } => { type T = Box<[u8]>; }
    list_and_set { type T = Vec<u8>; } => { type T = BTreeSet<u8>; }
    two_kinds_of_set { type T = HashSet<u8>; } => { type T = BTreeSet<u8>; }
    two_kinds_of_map { type T = HashMap<u8, String>; } => { type T = BTreeMap<u8, String>; }
    array_and_tuple { type T = [u8; 3]; } => { type T = (u8, u8, u8); }
    number_and_cell { type T = u8; } => { type T = std::cell::Cell<u8>; }
    usize_and_u64 { type T = usize; } => { type T = u64; }
    transparent_newtype { type T = u64; } => { #[serde(transparent)] struct T(u64); }
    transparent_struct { type T = u64; } => { #[serde(transparent)] struct T { a: u64 } }
    defaulted_field { struct T { a: u8 } } => { struct T { #[serde(default)] a: u8 } }
    defaulted_struct { struct T { a: u8 } } => { #[serde(default)] struct T { a: u8 } }
    denied_unknown_fields { struct T { a: u8 } } => { #[serde(deny_unknown_fields)] struct T { a: u8 } }
    alias_added { struct T { a: u8, b: u8 } } => { struct T { a: u8, #[serde(alias = "c")] b: u8 } }
    aliases_added_on_both_sides_of_the_name { struct T { m: u8, n: u8 } } => { struct T { #[serde(alias = "a", alias = "z")] m: u8, n: u8 } }
    alias_of_an_optional_field { struct T { a: Option<u8>, b: Option<u8> } } => { struct T { #[serde(alias = "0")] a: Option<u8>, b: Option<u8> } }
    alias_in_a_variant { enum T { #[default] A, B { a: u8, b: u8 } } } => { enum T { #[default] A, B { #[serde(alias = "c")] a: u8, b: u8 } } }
    renamed_in_rust_only { struct T { a: u8 } } => { struct T { #[serde(rename = "a")] b: u8 } }
    struct_renamed_in_rust_only { struct T { a: u8 } } => { #[serde(rename = "T")] struct U { a: u8 } type T = U; }
    skipped_field { struct T { a: u8 } } => { struct T { a: u8, #[serde(skip)] b: u8 } }
    generic_and_plain { struct T { a: u8 } } => { #[serde(rename = "T")] struct U<X> { a: X } type T = U<u8>; }
    variant_renamed_in_rust_only { enum T { #[default] A, B } } => { enum T { #[default] A, #[serde(rename = "B")] C } }
    variant_added_at_the_end { enum T { #[default] A, B(u8) } } = T::B(1), => { enum T { #[default] A, B(u8), C } } = T::B(1),
    variant_added_at_the_end_of_an_enum_deep_inside { enum E { #[default] A, B { a: u8 } } struct T { a: Vec<Option<E>> } } = T { a: vec![None, Some(E::B { a: 1 }), Some(E::A)] }, => { enum E { #[default] A, B { a: u8 }, C(String) } struct T { a: Vec<Option<E>> } } = T { a: vec![None, Some(E::B { a: 1 }), Some(E::A)] },
    another_variant_than_the_stored_one_removed { enum T { #[default] A, B, C } } => { enum T { #[default] A, C } }
    payload_of_another_variant_changed { enum T { #[default] A, B(u8) } } => { enum T { #[default] A, B(i8) } }
    variant_given_an_alias { enum T { #[default] A, B } } = T::B, => { enum T { #[default] A, #[serde(alias = "C")] B } } = T::B,
    element_of_an_empty_list { struct A { a: u8 } struct T { a: Vec<A> } } => { struct A { a: u8, b: u8 } struct T { a: Vec<A> } }
    nonzero_number { type T = Option<u8>; } => { type T = Option<NonZeroU8>; }
    helper_functions_of_the_same_form { struct T { a: u8 } } => { struct T { #[serde(with = "crate::same_types::plain")] a: u8 } }
}

/// A module for `#[serde(with = ..)]` that encodes as serde does by default.
pub(crate) mod plain {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(value: &u8, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(*value)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
        u8::deserialize(deserializer)
    }
}

/// Each thread remembers for itself what a type has read.
#[test]
fn a_list_that_becomes_a_smaller_set_is_read_whatever_the_thread_has_read_before() {
    let [distinct, equal] = [["a", "b"], ["a", "a"]]
        .map(|tags| encode(&bincode(), &tags.map(str::to_owned).to_vec()).unwrap());
    let read_in_a_thread = |values: &[&[u8]]| {
        let read = |bytes: &&[u8]| bincode::<BTreeSet<String>>().decode(bytes);
        let read_all = || values.iter().map(read).collect::<Vec<_>>();
        thread::scope(|scope| scope.spawn(read_all).join().unwrap())
    };
    let smaller = Ok(BTreeSet::from(["a".to_owned()]));
    assert_eq!(read_in_a_thread(&[&distinct, &equal])[1], smaller);
    assert_eq!(read_in_a_thread(&[&equal])[0], smaller);
}

/// A variant that the reader does not know counts as absent, and is not read as another variant.
#[test]
fn a_variant_that_only_the_writer_knows_is_not_read_as_another() {
    mod old {
        #[derive(Debug, serde::Serialize, serde::Deserialize)]
        pub(super) enum Role {
            Guest,
            Member,
            #[serde(other)]
            Unknown,
        }
    }
    mod new {
        #[derive(Debug, serde::Serialize, serde::Deserialize)]
        pub(super) enum Role {
            Guest,
            Member,
            Editor,
            Admin(u64),
        }
    }
    let read = |role| {
        let bytes = encode(&bincode(), &vec![new::Role::Guest, role]).unwrap();
        bincode::<Vec<old::Role>>().decode(&bytes)
    };
    assert!(matches!(
        &read(new::Role::Member).unwrap()[..],
        [old::Role::Guest, old::Role::Member]
    ));
    for unknown in [new::Role::Editor, new::Role::Admin(1)] {
        let result = read(unknown);
        assert!(
            matches!(result, Err(ValueError::OtherShape { .. })),
            "{result:?}"
        );
    }
}
