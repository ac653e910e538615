//! A serializer that writes nothing.

use serde::ser::{Serialize, Serializer};

use super::hash::Hashes;
use super::parts::{Elements, Parts};
use super::{Detail, Refusal, text};

pub(super) struct State {
    pub(super) hashes: Hashes,
    pub(super) human_readable: bool,
    pub(super) detail: Detail,
}

impl State {
    #[inline]
    pub(super) fn value(&mut self, value: impl FnOnce() -> u64) {
        if self.detail == Detail::Values {
            self.hashes.value(value());
        }
    }
}

pub(super) struct Tracer<'s>(pub(super) &'s mut State);

impl Tracer<'_> {
    #[inline]
    fn leaf(self, kind: Kind, value: impl FnOnce() -> u64) -> Result<(), Refusal> {
        self.0.hashes.name(kind as u64);
        self.0.value(value);
        Ok(())
    }

    #[inline]
    fn wide(self, kind: Kind, value: u128) -> Result<(), Refusal> {
        self.0.value(|| (value >> 64) as u64);
        self.leaf(kind, || value as u64)
    }

    #[inline]
    fn named(&mut self, kind: Kind, name: &str) {
        self.0.hashes.name(kind as u64);
        self.0.hashes.name(text(name.as_bytes()));
    }

    /// The index stands beside the name, so that two variants that change places are seen in a list of both.
    #[inline]
    fn variant(&mut self, kind: Kind, name: &str, index: u32, variant: &str) {
        self.named(kind, name);
        self.0.hashes.name(u64::from(index));
        self.0.hashes.name(text(variant.as_bytes()));
    }
}

/// Calls for values without parts.
macro_rules! leaves {
    ($($method:ident($type:ty) $kind:ident $via:ident;)*) => {$(
        #[inline]
        fn $method(self, value: $type) -> Result<(), Refusal> {
            self.leaf(Kind::$kind, || value as $via as u64)
        }
    )*};
}

impl<'s> Serializer for Tracer<'s> {
    type Ok = ();
    type Error = Refusal;
    type SerializeSeq = Elements<'s>;
    type SerializeMap = Elements<'s>;
    type SerializeTuple = Parts<'s>;
    type SerializeTupleStruct = Parts<'s>;
    type SerializeTupleVariant = Parts<'s>;
    type SerializeStruct = Parts<'s>;
    type SerializeStructVariant = Parts<'s>;

    leaves! {
        serialize_bool(bool) Bool u64;
        serialize_i8(i8) I8 i64;
        serialize_i16(i16) I16 i64;
        serialize_i32(i32) I32 i64;
        serialize_i64(i64) I64 i64;
        serialize_u8(u8) U8 u64;
        serialize_u16(u16) U16 u64;
        serialize_u32(u32) U32 u64;
        serialize_u64(u64) U64 u64;
        serialize_char(char) Char u64;
    }

    fn serialize_i128(self, value: i128) -> Result<(), Refusal> {
        self.wide(Kind::I128, value as u128)
    }

    fn serialize_u128(self, value: u128) -> Result<(), Refusal> {
        self.wide(Kind::U128, value)
    }

    fn serialize_f32(self, value: f32) -> Result<(), Refusal> {
        self.leaf(Kind::F32, || u64::from(value.to_bits()))
    }

    fn serialize_f64(self, value: f64) -> Result<(), Refusal> {
        self.leaf(Kind::F64, || value.to_bits())
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), Refusal> {
        self.leaf(Kind::String, || text(value.as_bytes()))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Refusal> {
        self.leaf(Kind::Bytes, || text(value))
    }

    #[inline]
    fn serialize_none(self) -> Result<(), Refusal> {
        self.leaf(Kind::None, || 0)
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Refusal> {
        self.0.hashes.name(Kind::Some as u64);
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Refusal> {
        self.leaf(Kind::Unit, || 0)
    }

    fn serialize_unit_struct(mut self, name: &'static str) -> Result<(), Refusal> {
        self.named(Kind::UnitStruct, name);
        Ok(())
    }

    #[inline]
    fn serialize_unit_variant(
        mut self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<(), Refusal> {
        self.variant(Kind::UnitVariant, name, index, variant);
        Ok(())
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Refusal> {
        self.named(Kind::Newtype, name);
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Refusal> {
        self.variant(Kind::NewtypeVariant, name, index, variant);
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Elements<'s>, Refusal> {
        Ok(Elements::new(self.0, Kind::Sequence))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Elements<'s>, Refusal> {
        Ok(Elements::new(self.0, Kind::Map))
    }

    fn serialize_tuple(self, length: usize) -> Result<Parts<'s>, Refusal> {
        self.0.hashes.name(Kind::Tuple as u64);
        self.0.hashes.name(length as u64);
        Ok(Parts::new(self.0))
    }

    fn serialize_tuple_struct(
        mut self,
        name: &'static str,
        _: usize,
    ) -> Result<Parts<'s>, Refusal> {
        self.named(Kind::TupleStruct, name);
        Ok(Parts::new(self.0))
    }

    fn serialize_tuple_variant(
        mut self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'s>, Refusal> {
        self.variant(Kind::TupleVariant, name, index, variant);
        Ok(Parts::new(self.0))
    }

    #[inline]
    fn serialize_struct(mut self, name: &'static str, _: usize) -> Result<Parts<'s>, Refusal> {
        self.named(Kind::Struct, name);
        Ok(Parts::new(self.0))
    }

    fn serialize_struct_variant(
        mut self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'s>, Refusal> {
        self.variant(Kind::StructVariant, name, index, variant);
        Ok(Parts::new(self.0))
    }

    fn is_human_readable(&self) -> bool {
        self.0.human_readable
    }
}

/// What a serializer is asked to write. The numbers are hashed: they are frozen.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Bool = 1,
    I8 = 2,
    I16 = 3,
    I32 = 4,
    I64 = 5,
    I128 = 6,
    U8 = 7,
    U16 = 8,
    U32 = 9,
    U64 = 10,
    U128 = 11,
    F32 = 12,
    F64 = 13,
    Char = 14,
    String = 15,
    Bytes = 16,
    Unit = 17,
    UnitStruct = 18,
    None = 19,
    Some = 20,
    Newtype = 21,
    Sequence = 22,
    Map = 23,
    Tuple = 24,
    TupleStruct = 25,
    Struct = 26,
    UnitVariant = 27,
    NewtypeVariant = 28,
    TupleVariant = 29,
    StructVariant = 30,
    End = 31,
}
