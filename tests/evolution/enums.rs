//! Enums: the variants, their order and what they carry.

pairs! {
    two_variants_change_places: { enum Value { Guest, Admin } } Value::Guest
        => { enum Value { Admin, Guest } }
    a_variant_is_added_in_front: { enum Value { A, B } } Value::A
        => { enum Value { Z, A, B } }
    a_variant_is_added_at_the_end: { enum Value { A, B } } Value::B
        => { enum Value { A, B, C } }
    a_variant_is_renamed: { enum Value { A, B } } Value::B
        => { enum Value { A, C } }
    a_variant_is_removed: { enum Value { A, B, C } } Value::B
        => { enum Value { A, C } }
    a_variant_carries_another_type: { enum Value { A(u32), B } } Value::A(1)
        => { enum Value { A(u64), B } }
    a_variant_begins_to_carry_something: { enum Value { A, B(u8) } } Value::A
        => { enum Value { A(u8), B(u8) } }
    a_variant_names_what_it_carries: { enum Value { A(u32), B } } Value::A(1)
        => { enum Value { A { id: u32 }, B } }
    a_field_of_a_variant_is_renamed: { enum Value { A { from: u8, to: u8 } } } Value::A { from: 1, to: 2 }
        => { enum Value { A { to: u8, from: u8 } } }
    another_variant_than_the_stored_one_changes: { enum Value { A, B(u8) } } Value::A
        => { enum Value { A, B(u16) } }
}
