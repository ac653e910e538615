//! Text, lists, maps and options.

pairs! {
    text_becomes_bytes: String, "abc".to_owned() => Vec<u8>;
    text_becomes_a_list: String, "abc".to_owned() => Vec<String>;
    numbers_in_a_list_widen: Vec<u32>, vec![1, 2] => Vec<u64>;
    a_list_becomes_a_map: Vec<u32>, vec![] => BTreeMap<u32, u32>;
    keys_are_retyped: BTreeMap<u32, u8>, [(1, 2)].into() => BTreeMap<u64, u8>;
    values_are_retyped: BTreeMap<String, u8>, [("a".to_owned(), 2)].into() => BTreeMap<String, i8>;
    a_value_in_a_list_becomes_optional: Vec<u8>, vec![1] => Vec<Option<u8>>;
    an_option_is_nested: Option<u8>, Some(1) => Option<Option<u8>>;
    one_becomes_many: u32, 5 => Vec<u32>;
}
