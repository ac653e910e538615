//! Values into the wire format of `bincode`.

use bincode::enc::Encode;
use bincode::enc::write::Writer;
use bincode::error::EncodeError;
use serde::ser::{Serialize, Serializer};

use super::super::Refusal;
use super::super::parts::{serialize_elements, serialize_parts};
use super::{CONFIGURATION, MAX_DEPTH, SMALL, WIDTH_16, WIDTH_32, WIDTH_64};

/// Appends `value` to `out`, which may grow to `limit` bytes.
pub(in crate::value) fn encode<T: Serialize>(
    value: &T,
    out: &mut Vec<u8>,
    limit: usize,
) -> Result<(), Refusal> {
    value.serialize(&mut Encoder {
        out,
        limit,
        depth: 0,
    })
}

struct Encoder<'o> {
    out: &'o mut Vec<u8>,
    limit: usize,
    depth: usize,
}

impl Encoder<'_> {
    #[inline]
    fn put(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        if self.out.len() + bytes.len() > self.limit {
            return Err(Refusal::TooLarge);
        }
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    /// What is rare: the crate does it.
    fn put_other(&mut self, value: impl Encode) -> Result<(), Refusal> {
        bincode::encode_into_writer(value, self, CONFIGURATION).map_err(|_| Refusal::TooLarge)
    }

    /// A number below 251 is the byte itself, another one follows a byte that says its width.
    #[inline]
    fn put_unsigned(&mut self, number: u64) -> Result<(), Refusal> {
        if number <= SMALL {
            return self.put(&[number as u8]);
        }
        let (mark, width) = match number {
            ..=0xffff => (WIDTH_16, 2),
            0x1_0000..=0xffff_ffff => (WIDTH_32, 4),
            _ => (WIDTH_64, 8),
        };
        let end = self.out.len() + 1 + width;
        if end > self.limit {
            return Err(Refusal::TooLarge);
        }
        // All bytes and then less, since a copy of a known length takes fewer instructions.
        let [a, b, c, d, e, f, g, h] = number.to_le_bytes();
        self.out.extend_from_slice(&[mark, a, b, c, d, e, f, g, h]);
        self.out.truncate(end);
        Ok(())
    }

    /// The sign is the lowest bit.
    #[inline]
    fn put_signed(&mut self, number: i64) -> Result<(), Refusal> {
        self.put_unsigned((number << 1 ^ number >> 63) as u64)
    }

    #[inline]
    fn put_bytes(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        self.put_unsigned(bytes.len() as u64)?;
        self.put(bytes)
    }

    #[inline]
    fn open(&mut self) -> Result<(), Refusal> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Refusal::TooDeep { limit: MAX_DEPTH });
        }
        Ok(())
    }

    #[inline]
    fn put_inside<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refusal> {
        self.open()?;
        value.serialize(&mut *self)?;
        self.depth -= 1;
        Ok(())
    }

    #[inline]
    fn put_length(&mut self, length: Option<usize>) -> Result<usize, Refusal> {
        let length = length.ok_or(Refusal::Unencodable)?;
        self.put_unsigned(length as u64)?;
        Ok(length)
    }
}

macro_rules! numbers {
    ($($method:ident($number:ident: $type:ty) $put:ident($value:expr);)*) => {$(
        #[inline]
        fn $method(self, $number: $type) -> Result<(), Refusal> {
            self.$put($value)
        }
    )*};
}

impl<'e, 'o> Serializer for &'e mut Encoder<'o> {
    type Ok = ();
    type Error = Refusal;
    type SerializeSeq = Parts<'e, 'o>;
    type SerializeMap = Parts<'e, 'o>;
    type SerializeTuple = Parts<'e, 'o>;
    type SerializeTupleStruct = Parts<'e, 'o>;
    type SerializeTupleVariant = Parts<'e, 'o>;
    type SerializeStruct = Parts<'e, 'o>;
    type SerializeStructVariant = Parts<'e, 'o>;

    numbers! {
        serialize_bool(value: bool) put(&[u8::from(value)]);
        serialize_i8(value: i8) put(&value.to_le_bytes());
        serialize_i16(value: i16) put_signed(value.into());
        serialize_i32(value: i32) put_signed(value.into());
        serialize_i64(value: i64) put_signed(value);
        serialize_i128(value: i128) put_other(value);
        serialize_u8(value: u8) put(&[value]);
        serialize_u16(value: u16) put_unsigned(value.into());
        serialize_u32(value: u32) put_unsigned(value.into());
        serialize_u64(value: u64) put_unsigned(value);
        serialize_u128(value: u128) put_other(value);
        serialize_f32(value: f32) put(&value.to_le_bytes());
        serialize_f64(value: f64) put(&value.to_le_bytes());
        serialize_char(value: char) put_other(value);
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), Refusal> {
        self.put_bytes(value.as_bytes())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Refusal> {
        self.put_bytes(value)
    }

    #[inline]
    fn serialize_none(self) -> Result<(), Refusal> {
        self.put(&[0])
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Refusal> {
        self.put(&[1])?;
        self.put_inside(value)
    }

    fn serialize_unit(self) -> Result<(), Refusal> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Refusal> {
        Ok(())
    }

    #[inline]
    fn serialize_unit_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
    ) -> Result<(), Refusal> {
        self.put_unsigned(index.into())
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Refusal> {
        self.put_inside(value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Refusal> {
        self.put_unsigned(index.into())?;
        self.put_inside(value)
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Parts<'e, 'o>, Refusal> {
        let left = self.put_length(length)?;
        Parts::open(self, left)
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Parts<'e, 'o>, Refusal> {
        let left = self.put_length(length)?;
        Parts::open(self, left)
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts<'e, 'o>, Refusal> {
        Parts::open(self, 0)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Parts<'e, 'o>, Refusal> {
        Parts::open(self, 0)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Parts<'e, 'o>, Refusal> {
        self.put_unsigned(index.into())?;
        Parts::open(self, 0)
    }

    #[inline]
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts<'e, 'o>, Refusal> {
        Parts::open(self, 0)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Parts<'e, 'o>, Refusal> {
        self.put_unsigned(index.into())?;
        Parts::open(self, 0)
    }

    /// Many types have a second form for people.
    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The parts of a value, one behind the other.
struct Parts<'e, 'o> {
    encoder: &'e mut Encoder<'o>,
    /// The elements of a list or map that are still to come.
    left: usize,
    /// Where the last one of them begins.
    start: usize,
}

impl<'e, 'o> Parts<'e, 'o> {
    #[inline]
    fn open(encoder: &'e mut Encoder<'o>, left: usize) -> Result<Self, Refusal> {
        encoder.open()?;
        Ok(Self {
            encoder,
            left,
            start: 0,
        })
    }

    #[inline]
    fn part<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refusal> {
        value.serialize(&mut *self.encoder)
    }

    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, _: &str, value: &T) -> Result<(), Refusal> {
        self.part(value)
    }

    fn skip(&self, field: &'static str) -> Result<(), Refusal> {
        Err(Refusal::SkipsField(field))
    }

    #[inline]
    fn begin<T: Serialize + ?Sized>(&mut self, first: &T) -> Result<(), Refusal> {
        self.start = self.encoder.out.len();
        self.part(first)
    }

    #[inline]
    fn count(&mut self) -> Result<(), Refusal> {
        self.left = self.left.checked_sub(1).ok_or(Refusal::Unencodable)?;
        if self.encoder.out.len() == self.start {
            return Err(Refusal::EmptyElements);
        }
        Ok(())
    }

    /// A list that said another length than it has would be read as something else.
    #[inline]
    fn close(self) -> Result<(), Refusal> {
        self.encoder.depth -= 1;
        if self.left == 0 {
            Ok(())
        } else {
            Err(Refusal::Unencodable)
        }
    }
}

serialize_parts! { Parts<'_, '_> }
serialize_elements! { Parts<'_, '_> }

impl Writer for Encoder<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.put(bytes).map_err(|_| EncodeError::UnexpectedEnd)
    }
}
