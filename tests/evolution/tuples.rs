//! Tuples, arrays and tuple structs: positions without names.

pairs! {
    two_elements_change_places: (u8, u16), (1, 2) => (u16, u8);
    a_tuple_grows: (u8, u8), (1, 2) => (u8, u8, Option<u8>);
    a_tuple_shrinks: (u8, u8, u8), (1, 2, 3) => (u8, u8);
    an_element_is_retyped: (String, u32), ("x".to_owned(), 1) => (String, u64);
    an_array_grows: [u8; 4], [1; 4] => [u8; 5];
    an_array_becomes_a_list: [u8; 4], [1; 4] => Vec<u8>;
    a_tuple_becomes_an_array: (u8, u16), (1, 2) => [u8; 2];
    a_tuple_becomes_a_struct: { struct Value((u8, u8)); } Value((1, 2))
        => { struct Value(Named); struct Named { a: u8, b: u8 } }
    a_tuple_struct_grows: { struct Value(u8, u8); } Value(1, 2)
        => { struct Value(u8, u8, u8); }
}
