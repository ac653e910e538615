//! Structs: names, order, types and nesting of their fields.

pairs! {
    a_field_is_renamed: { struct Value { a: u32, b: u32 } } Value { a: 1, b: 2 }
        => { struct Value { a: u32, c: u32 } }
    two_fields_change_places: { struct Value { width: u32, height: u32 } } Value { width: 1, height: 2 }
        => { struct Value { height: u32, width: u32 } }
    a_field_is_added_at_the_end: { struct Value { a: u32 } } Value { a: 1 }
        => { struct Value { a: u32, b: Option<u32> } }
    a_field_is_added_in_front: { struct Value { a: u32 } } Value { a: 1 }
        => { struct Value { b: u32, a: u32 } }
    a_field_is_removed: { struct Value { a: u32, b: u32 } } Value { a: 1, b: 2 }
        => { struct Value { b: u32 } }
    a_field_is_retyped: { struct Value { a: u32 } } Value { a: 1 }
        => { struct Value { a: i32 } }
    a_field_becomes_optional: { struct Value { a: u8 } } Value { a: 1 }
        => { struct Value { a: Option<u8> } }
    a_field_is_no_longer_optional: { struct Value { a: Option<u8>, b: u8 } } Value { a: Some(1), b: 1 }
        => { struct Value { a: u8, b: u8 } }
    the_struct_is_renamed: { struct Value(Inner); struct Inner { a: u32 } } Value(Inner { a: 1 })
        => { struct Value(Other); struct Other { a: u32 } }
    a_field_far_inside_is_renamed: {
            struct Value { list: Vec<Option<Middle>> }
            struct Middle { inner: BTreeMap<String, Inner> }
            struct Inner { a: u32 }
        } Value { list: vec![None, Some(Middle { inner: [("x".to_owned(), Inner { a: 1 })].into() })] }
        => {
            struct Value { list: Vec<Option<Middle>> }
            struct Middle { inner: BTreeMap<String, Inner> }
            struct Inner { b: u32 }
        }
    a_field_in_a_list_is_renamed: {
            struct Value { list: Vec<Inner> }
            struct Inner { a: u32 }
        } Value { list: vec![Inner { a: 1 }] }
        => {
            struct Value { list: Vec<Inner> }
            struct Inner { b: u32 }
        }
    the_inner_struct_moves_into_the_outer: {
            struct Value { a: u32, inner: Inner }
            struct Inner { b: u32 }
        } Value { a: 1, inner: Inner { b: 2 } }
        => { struct Value { a: u32, b: u32 } }
    a_struct_becomes_an_enum: { struct Value { a: u32 } } Value { a: 0 }
        => { enum Value { A, B } }
    a_newtype_becomes_its_inside: { struct Value { id: Id } struct Id(u64); } Value { id: Id(7) }
        => { struct Value { id: u64 } }
    two_newtypes_change_places: {
            struct Value { user: User, shop: Shop }
            struct User(u64);
            struct Shop(u64);
        } Value { user: User(1), shop: Shop(2) }
        => {
            struct Value { user: Shop, shop: User }
            struct User(u64);
            struct Shop(u64);
        }
}
