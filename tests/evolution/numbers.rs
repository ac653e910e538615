//! Numbers and other single values.

pairs! {
    u32_to_u64: u32, 5 => u64;
    u64_to_u32: u64, 5 => u32;
    u8_to_u16: u8, 5 => u16;
    u32_to_i32: u32, 5 => i32;
    i64_to_u64: i64, -5 => u64;
    u64_to_u128: u64, 5 => u128;
    u32_to_usize: u32, 5 => usize;
    f32_to_f64: f32, 1.5 => f64;
    f64_to_u64: f64, 0.0 => u64;
    bool_to_u8: bool, true => u8;
    char_to_u32: char, 'x' => u32;
    char_to_text: char, 'x' => String;
    duration_to_seconds: Duration, Duration::from_secs(5) => u64;
}
