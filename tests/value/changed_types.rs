//! A change of a value's type is recognised, whatever changed and at any depth.

use starsessions::value::ValueError;

use crate::support::{bincode, encode, pairs, types};

pairs! { assert_changed:
    field_renamed { struct T { a: u32 } } => { struct T { b: u32 } }
    fields_reordered { struct T { a: u32, b: u32 } } => { struct T { b: u32, a: u32 } }
    field_added_at_the_end { struct T { a: u32 } } => { struct T { a: u32, b: u32 } }
    field_added_in_front { struct T { b: u32 } } => { struct T { a: u32, b: u32 } }
    field_of_no_bytes_added { struct T { a: u32 } } => { struct T { a: u32, b: () } }
    field_swapped_for_another { struct T { a: u32, b: u8 } } => { struct T { a: u32, c: u8 } }
    field_skipped { struct T { a: u32, b: u8 } } => { struct T { a: u32, #[serde(skip)] b: u8 } }
    field_renamed_for_serde { struct T { a: u8 } } => { struct T { #[serde(rename = "A")] a: u8 } }
    fields_renamed_for_serde { struct T { a_b: u8 } } => { #[serde(rename_all = "camelCase")] struct T { a_b: u8 } }
    field_merged_into_another_by_an_alias { struct T { a: u8, b: u8, c: u8 } } => { struct T { #[serde(alias = "b")] a: u8, c: u8 } }
    alias_became_the_name { struct T { a: u8 } } => { struct T { #[serde(alias = "a")] b: u8 } }
    struct_renamed { struct T { a: u8 } } => { #[serde(rename = "U")] struct T { a: u8 } }
    struct_to_tuple_struct { struct T { a: u8, b: u8 } } => { struct T(u8, u8); }
    struct_to_newtype { struct T { a: u8 } } => { struct T(u8); }
    struct_to_unit_struct { struct T {} } => { struct T; }
    tuple_struct_to_tuple { struct T(u8, u8); } => { type T = (u8, u8); }
    newtype_to_plain { struct T(u8); } => { type T = u8; }
    newtype_renamed { struct A(u8); type T = A; } => { struct B(u8); type T = B; }
    newtype_to_newtype_field { struct T { a: u8 } } => { struct A(u8); struct T { a: A } }
    unit_struct_renamed { struct A; type T = A; } => { struct B; type T = B; }
    unit_to_unit_struct { type T = (); } => { struct T; }

    u32_to_u64 { type T = u32; } => { type T = u64; }
    u64_to_i64 { type T = u64; } => { type T = i64; }
    u8_to_bool { type T = u8; } => { type T = bool; }
    u8_to_i8 { type T = u8; } => { type T = i8; }
    u16_to_u32 { type T = u16; } => { type T = u32; }
    u64_to_u128 { type T = u64; } => { type T = u128; }
    i64_to_i128 { type T = i64; } => { type T = i128; }
    i16_to_i32 { type T = i16; } => { type T = i32; }
    f32_to_f64 { type T = f32; } => { type T = f64; }
    f64_to_u64 { type T = f64; } => { type T = u64; }
    char_to_u32 { type T = char; } => { type T = u32; }
    char_to_text { type T = char; } => { type T = String; }
    text_to_list_of_bytes { type T = String; } => { type T = Vec<u8>; }
    text_to_bytes { type T = String; } => { type T = uuid::Uuid; }
    list_of_bytes_to_bytes { type T = Vec<u8>; } => { type T = uuid::Uuid; }
    plain_to_option { type T = u8; } => { type T = Option<u8>; }
    option_to_list { type T = Option<u8>; } => { type T = Vec<u8>; }
    option_to_nested_option { type T = Option<u8>; } = Some(1), => { type T = Option<Option<u8>>; } = Some(None),
    element_of_option { type T = Option<u8>; } = Some(1), => { type T = Option<i8>; } = Some(1),
    element_of_list { type T = Vec<u32>; } = vec![1], => { type T = Vec<u64>; } = vec![1],
    list_to_map { type T = Vec<(u8, u8)>; } => { type T = BTreeMap<u8, u8>; }
    key_of_map { type T = BTreeMap<u8, u8>; } = BTreeMap::from([(1, 1)]), => { type T = BTreeMap<u16, u8>; } = BTreeMap::from([(1, 1)]),
    value_of_map { type T = HashMap<u8, u8>; } = HashMap::from([(1, 1)]), => { type T = HashMap<u8, u16>; } = HashMap::from([(1, 1)]),
    map_turned_round { type T = BTreeMap<u8, String>; } = BTreeMap::from([(1, "a".into())]), => { type T = BTreeMap<String, u8>; } = BTreeMap::from([("a".into(), 1)]),
    length_of_tuple { type T = (u8, u8); } => { type T = (u8, u8, u8); }
    second_element_of_tuple { type T = (u8, u8); } => { type T = (u8, i8); }
    last_element_of_a_long_tuple { type T = (u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8); } => { type T = (u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u8, u16); }
    elements_of_tuple_swapped { type T = (u8, u16); } => { type T = (u16, u8); }
    tuple_regrouped { type T = ((u8, u8), u8); } => { type T = (u8, (u8, u8)); }
    length_of_array { type T = [u8; 31]; } => { type T = [u8; 32]; }
    element_of_array { type T = [u8; 32]; } => { type T = [u16; 32]; }
    element_of_a_short_array { type T = [u8; 3]; } => { type T = [i8; 3]; }
    length_of_a_short_array { type T = [u8; 3]; } => { type T = [u8; 4]; }
    array_in_front_of_a_changed_field { type T = ([u8; 32], u8); } => { type T = ([u8; 32], i8); }
    array_to_list { type T = [u8; 4]; } => { type T = Vec<u8>; }
    tuple_behind_a_text { type T = (String, u8); } => { type T = (String, u16); }
    tuple_behind_a_nonzero_number { struct A { #[serde(default)] a: u8 } type T = (Option<NonZeroU8>, A); } => { struct A { #[serde(default)] b: u8 } type T = (Option<NonZeroU8>, A); }
    duration_to_system_parts { type T = Duration; } => { type T = (u64, u32); }

    variant_renamed { enum T { #[default] A, B } } = T::B, => { enum T { #[default] A, C } } = T::C,
    variants_swapped_in_a_list_of_both { enum A { #[default] A, B } type T = Vec<A>; } = vec![A::A, A::B], => { enum A { B, #[default] A } type T = Vec<A>; } = vec![A::A, A::B],
    variants_swapped_in_a_set { #[derive(Eq, PartialOrd, Ord)] enum A { #[default] A, B } type T = BTreeSet<A>; } = T::from([A::A, A::B]), => { #[derive(Eq, PartialOrd, Ord)] enum A { B, #[default] A } type T = BTreeSet<A>; } = T::from([A::A, A::B]),
    fields_swapped_in_a_list { struct A { a: u8, b: u8 } type T = Vec<A>; } = vec![A { a: 1, b: 2 }, A { a: 2, b: 1 }], => { struct A { b: u8, a: u8 } type T = Vec<A>; } = vec![A { a: 1, b: 2 }, A { a: 2, b: 1 }],
    variants_swapped { enum T { #[default] A, B } } => { enum T { B, #[default] A } }
    variant_added_in_front { enum T { #[default] B } } => { enum T { A, #[default] B } }
    variant_removed_from_the_middle { enum T { #[default] A, B, C } } = T::B, => { enum T { #[default] A, C } } = T::C,
    variant_given_a_payload { enum T { #[default] A, B } } = T::B, => { enum T { #[default] A, B(u8) } } = T::B(1),
    payload_changed { enum T { #[default] A, B(u8) } } = T::B(1), => { enum T { #[default] A, B(i8) } } = T::B(1),
    payload_of_the_last_variant { enum T { #[default] A, B, C { a: Vec<u8> } } } = T::C { a: vec![1] }, => { enum T { #[default] A, B, C { a: Vec<i8> } } } = T::C { a: vec![1] },
    payload_grown { enum T { #[default] A, B(u8) } } = T::B(1), => { enum T { #[default] A, B(u8, u8) } } = T::B(1, 2),
    payload_element_changed { enum T { #[default] A, B(u8, u8) } } = T::B(1, 2), => { enum T { #[default] A, B(u8, i8) } } = T::B(1, 2),
    payload_named { enum T { #[default] A, B(u8, u8) } } = T::B(1, 2), => { enum T { #[default] A, B { a: u8, b: u8 } } } = T::B { a: 1, b: 2 },
    payload_field_renamed { enum T { #[default] A, B { a: u8 } } } = T::B { a: 1 }, => { enum T { #[default] A, B { b: u8 } } } = T::B { b: 1 },
    newtype_variant_to_one_element { enum T { #[default] A, B(u8) } } = T::B(1), => { enum T { #[default] A, B { a: u8 } } } = T::B { a: 1 },
    enum_renamed { enum A { #[default] A } type T = A; } => { enum B { #[default] A } type T = B; }
    enum_to_number { enum T { #[default] A, B } } => { type T = u32; }
    result_turned_round { struct T { a: Option<Result<u8, String>> } } = T { a: Some(Ok(1)) }, => { struct T { a: Option<Result<String, u8>> } } = T { a: Some(Err(1)) },

    deep_in_structs { struct C { a: u8 } struct B { c: C } struct A { b: B } struct T { a: A } } => { struct C { a: i8 } struct B { c: C } struct A { b: B } struct T { a: A } }
    deep_in_lists { struct A { a: u8 } struct T { a: Vec<Vec<Option<A>>> } } = T { a: vec![vec![], vec![None, Some(A { a: 1 })]] }, => { struct A { b: u8 } struct T { a: Vec<Vec<Option<A>>> } } = T { a: vec![vec![Some(A { b: 1 })]] },
    deep_in_maps { struct A { a: u8 } struct T { a: HashMap<String, BTreeMap<u8, (u8, A)>> } } = T { a: HashMap::from([("a".into(), BTreeMap::from([(1, (2, A { a: 3 }))]))]) }, => { struct A { b: u8 } struct T { a: HashMap<String, BTreeMap<u8, (u8, A)>> } } = T { a: HashMap::from([("a".into(), BTreeMap::from([(1, (2, A { b: 3 }))]))]) },
    deep_in_a_map_key { struct T { a: HashMap<(u8, [u8; 3]), u8> } } = T { a: HashMap::from([((1, [1, 2, 3]), 1)]) }, => { struct T { a: HashMap<(u8, [i8; 3]), u8> } } = T { a: HashMap::from([((1, [1, 2, 3]), 1)]) },
    deep_in_an_enum { struct A { a: u8 } enum B { #[default] A, B(Box<A>) } struct T { a: B } } = T { a: B::B(Box::new(A { a: 1 })) }, => { struct A { a: i8 } enum B { #[default] A, B(Box<A>) } struct T { a: B } } = T { a: B::B(Box::new(A { a: 1 })) },
    deep_in_an_enum_in_a_tuple { enum A { #[default] A, B(u8) } type T = (A, (u8, A, u8)); } = (A::A, (1, A::B(2), 3)), => { enum A { #[default] A, B(i8) } type T = (A, (u8, A, u8)); } = (A::A, (1, A::B(2), 3)),
    field_moved_into_a_struct { struct T { a: u8, b: u8 } } => { struct B { b: u8 } struct T { a: u8, b: B } }
}

/// The mark covers only the fields that are written. Reading `b` would consume two bytes of `c`, and the rest would
/// decode as a `c` too.
#[test]
fn a_field_that_is_only_read_takes_no_bytes_of_others() {
    types! {
        struct T { a: u8, c: u16, d: u16 }
    }
    mod new {
        #[derive(Debug, Default, serde::Serialize, serde::Deserialize)]
        pub(super) struct T {
            a: u8,
            #[serde(skip_serializing)]
            #[allow(dead_code, reason = "it is only read")]
            b: (u8, u8),
            c: u16,
            d: u16,
        }
    }
    let bytes = encode(
        &bincode(),
        &T {
            a: 1,
            c: 0x0505,
            d: 7,
        },
    )
    .unwrap();
    let result = bincode::<new::T>().decode(&bytes);
    assert!(
        matches!(result, Err(ValueError::OtherShape { .. })),
        "{result:?}"
    );
}
