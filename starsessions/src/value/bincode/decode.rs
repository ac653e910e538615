//! Decodes values from the wire format of `bincode`, borrowing from the record where possible.

use std::fmt;

use bincode::Decode;
use bincode::error::DecodeError;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};
use serde::{Deserializer, forward_to_deserialize_any};

use super::super::{Flaw, MAX_VALUE};
use super::{CONFIGURATION, MAX_DEPTH, SMALL, WIDTH_16, WIDTH_32, WIDTH_64};
use crate::sentence::sentences;

/// Reads a value that takes exactly `bytes`.
pub(in crate::value) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Stop> {
    let mut decoder = Decoder { bytes, depth: 0 };
    let value = T::deserialize(&mut decoder)?;
    if decoder.bytes.is_empty() {
        Ok(value)
    } else {
        Err(Stop::Flawed(Flaw::TrailingBytes))
    }
}

/// Why decoding stopped early.
///
/// As wide as a word: with an error of one byte, the compiler moves a `Result` in overlapping pieces, and each load
/// waits for earlier stores. That takes 4 ns for each element of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(8))]
pub(in crate::value) enum Stop {
    Flawed(Flaw),
    /// The type asks what comes next, which the bytes do not say.
    SelfDescribing,
}

struct Decoder<'b> {
    /// The bytes that are still to be read.
    bytes: &'b [u8],
    depth: usize,
}

impl<'b> Decoder<'b> {
    #[inline]
    fn take<T: Decode<()>>(&mut self) -> Result<T, Stop> {
        match bincode::decode_from_slice(self.bytes, CONFIGURATION) {
            Ok((value, read)) => {
                self.bytes = self.bytes.get(read..).unwrap_or_default();
                Ok(value)
            }
            Err(DecodeError::UnexpectedEnd { .. }) => Err(Stop::Flawed(Flaw::EndsEarly)),
            Err(_) => Err(Stop::Flawed(Flaw::Mismatch)),
        }
    }

    /// A number of at most the width `widest`.
    #[inline]
    fn take_unsigned(&mut self, widest: u8) -> Result<u64, Stop> {
        match self.take_byte()? {
            small if u64::from(small) <= SMALL => Ok(small.into()),
            width if width > widest => Err(Stop::Flawed(Flaw::Mismatch)),
            WIDTH_16 => Ok(u16::from_le_bytes(self.take_array()?).into()),
            WIDTH_32 => Ok(u32::from_le_bytes(self.take_array()?).into()),
            _ => Ok(u64::from_le_bytes(self.take_array()?)),
        }
    }

    /// The sign is the lowest bit.
    #[inline]
    fn take_signed(&mut self, widest: u8) -> Result<i64, Stop> {
        let number = self.take_unsigned(widest)?;
        Ok((number >> 1) as i64 ^ -((number & 1) as i64))
    }

    #[inline]
    fn take_array<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        let (bytes, rest) = self
            .bytes
            .split_first_chunk()
            .ok_or(Stop::Flawed(Flaw::EndsEarly))?;
        self.bytes = rest;
        Ok(*bytes)
    }

    #[inline]
    fn take_byte(&mut self) -> Result<u8, Stop> {
        let [byte] = self.take_array()?;
        Ok(byte)
    }

    /// The number of bytes or elements that follow. An element takes at least one byte, so a number larger than
    /// the remaining bytes is refused.
    #[inline]
    fn take_length(&mut self) -> Result<usize, Stop> {
        let length = self.take_unsigned(WIDTH_64)?;
        match usize::try_from(length) {
            Ok(length) if length <= self.bytes.len() => Ok(length),
            Ok(length) if length <= MAX_VALUE => Err(Stop::Flawed(Flaw::EndsEarly)),
            _ => Err(Stop::Flawed(Flaw::ExceedsLimit)),
        }
    }

    #[inline]
    fn take_bytes(&mut self) -> Result<&'b [u8], Stop> {
        let length = self.take_length()?;
        let (bytes, rest) = self.bytes.split_at_checked(length).unwrap_or_default();
        self.bytes = rest;
        Ok(bytes)
    }

    fn take_text(&mut self) -> Result<&'b str, Stop> {
        simdutf8::basic::from_utf8(self.take_bytes()?).map_err(|_| Stop::Flawed(Flaw::Mismatch))
    }

    #[inline]
    fn inside<V>(&mut self, read: impl FnOnce(&mut Self) -> Result<V, Stop>) -> Result<V, Stop> {
        if self.depth == MAX_DEPTH {
            return Err(Stop::Flawed(Flaw::ExceedsLimit));
        }
        self.depth += 1;
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    #[inline]
    fn parts<V: Visitor<'b>>(&mut self, left: usize, visitor: V) -> Result<V::Value, Stop> {
        self.inside(|decoder| visitor.visit_seq(Parts { decoder, left }))
    }
}

macro_rules! leaves {
    ($($method:ident $visit:ident($decoder:ident => $value:expr);)*) => {$(
        #[inline]
        fn $method<V: Visitor<'b>>(self, visitor: V) -> Result<V::Value, Stop> {
            let $decoder = self;
            visitor.$visit($value)
        }
    )*};
}

impl<'b> Deserializer<'b> for &mut Decoder<'b> {
    type Error = Stop;

    // A value is no wider than the type of its cast, so no bits are lost.
    leaves! {
        deserialize_bool visit_bool(it => it.take()?);
        deserialize_i8 visit_i8(it => it.take_byte()? as i8);
        deserialize_i16 visit_i16(it => it.take_signed(WIDTH_16)? as i16);
        deserialize_i32 visit_i32(it => it.take_signed(WIDTH_32)? as i32);
        deserialize_i64 visit_i64(it => it.take_signed(WIDTH_64)?);
        deserialize_i128 visit_i128(it => it.take()?);
        deserialize_u8 visit_u8(it => it.take_byte()?);
        deserialize_u16 visit_u16(it => it.take_unsigned(WIDTH_16)? as u16);
        deserialize_u32 visit_u32(it => it.take_unsigned(WIDTH_32)? as u32);
        deserialize_u64 visit_u64(it => it.take_unsigned(WIDTH_64)?);
        deserialize_u128 visit_u128(it => it.take()?);
        deserialize_f32 visit_f32(it => f32::from_le_bytes(it.take_array()?));
        deserialize_f64 visit_f64(it => f64::from_le_bytes(it.take_array()?));
        deserialize_char visit_char(it => it.take()?);
        deserialize_str visit_borrowed_str(it => it.take_text()?);
        deserialize_string visit_borrowed_str(it => it.take_text()?);
        deserialize_bytes visit_borrowed_bytes(it => it.take_bytes()?);
        deserialize_byte_buf visit_borrowed_bytes(it => it.take_bytes()?);
    }

    /// Refuses a question that only a self-describing format can answer.
    fn deserialize_any<V: Visitor<'b>>(self, _: V) -> Result<V::Value, Stop> {
        Err(Stop::SelfDescribing)
    }

    forward_to_deserialize_any! { <V: Visitor<'b>> identifier ignored_any }

    #[inline]
    fn deserialize_option<V: Visitor<'b>>(self, visitor: V) -> Result<V::Value, Stop> {
        match self.take_byte()? {
            0 => visitor.visit_none(),
            1 => self.inside(|decoder| visitor.visit_some(decoder)),
            _ => Err(Stop::Flawed(Flaw::Mismatch)),
        }
    }

    fn deserialize_unit<V: Visitor<'b>>(self, visitor: V) -> Result<V::Value, Stop> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'b>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        visitor.visit_unit()
    }

    #[inline]
    fn deserialize_newtype_struct<V: Visitor<'b>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.inside(|decoder| visitor.visit_newtype_struct(decoder))
    }

    fn deserialize_seq<V: Visitor<'b>>(self, visitor: V) -> Result<V::Value, Stop> {
        let left = self.take_length()?;
        self.parts(left, visitor)
    }

    fn deserialize_map<V: Visitor<'b>>(self, visitor: V) -> Result<V::Value, Stop> {
        let left = self.take_length()?;
        self.inside(|decoder| visitor.visit_map(Parts { decoder, left }))
    }

    #[inline]
    fn deserialize_tuple<V: Visitor<'b>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.parts(length, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'b>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.parts(length, visitor)
    }

    #[inline]
    fn deserialize_struct<V: Visitor<'b>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.parts(fields.len(), visitor)
    }

    #[inline]
    fn deserialize_enum<V: Visitor<'b>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        visitor.visit_enum(self)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The remaining parts, or entries of a map, in sequence.
struct Parts<'d, 'b> {
    decoder: &'d mut Decoder<'b>,
    left: usize,
}

impl<'b> SeqAccess<'b> for Parts<'_, 'b> {
    type Error = Stop;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'b>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Stop> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = left;
        seed.deserialize(&mut *self.decoder).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'b> MapAccess<'b> for Parts<'_, 'b> {
    type Error = Stop;

    fn next_key_seed<S: DeserializeSeed<'b>>(&mut self, seed: S) -> Result<Option<S::Value>, Stop> {
        self.next_element_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'b>>(&mut self, seed: S) -> Result<S::Value, Stop> {
        seed.deserialize(&mut *self.decoder)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

impl<'b> EnumAccess<'b> for &mut Decoder<'b> {
    type Error = Stop;
    type Variant = Self;

    #[inline]
    fn variant_seed<S: DeserializeSeed<'b>>(self, seed: S) -> Result<(S::Value, Self), Stop> {
        let index = self.take_unsigned(WIDTH_32)? as u32;
        let variant =
            seed.deserialize::<de::value::U32Deserializer<Stop>>(index.into_deserializer());
        Ok((variant?, self))
    }
}

impl<'b> VariantAccess<'b> for &mut Decoder<'b> {
    type Error = Stop;

    fn unit_variant(self) -> Result<(), Stop> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'b>>(self, seed: S) -> Result<S::Value, Stop> {
        self.inside(|decoder| seed.deserialize(decoder))
    }

    fn tuple_variant<V: Visitor<'b>>(self, length: usize, visitor: V) -> Result<V::Value, Stop> {
        self.parts(length, visitor)
    }

    fn struct_variant<V: Visitor<'b>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Stop> {
        self.parts(fields.len(), visitor)
    }
}

impl de::Error for Stop {
    /// Drops the message, which may quote the value.
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::Flawed(Flaw::Mismatch)
    }
}

sentences! { Stop: _ => "the value cannot be read"; }
