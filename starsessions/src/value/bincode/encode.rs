//! Encodes values into the wire format of `bincode`.

use bincode::enc::Encode;
use bincode::enc::write::Writer;
use bincode::error::EncodeError;
use serde::Serialize;

use super::super::Refusal;
use super::super::walk::{Node, Variant, Walk, Walker};
use super::{CONFIGURATION, MAX_DEPTH, SMALL, WIDTH_16, WIDTH_32, WIDTH_64};

/// Appends `value` to `out`, which may grow to `limit` bytes.
pub(in crate::value) fn encode<T: Serialize>(
    value: &T,
    out: &mut Vec<u8>,
    limit: usize,
) -> Result<(), Refusal> {
    value.serialize(Walker(&mut Encoder {
        out,
        limit,
        depth: 0,
    }))
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

    /// Encodes a rare type with the `bincode` crate.
    fn put_other(&mut self, value: impl Encode) -> Result<(), Refusal> {
        bincode::encode_into_writer(value, self, CONFIGURATION).map_err(|_| Refusal::TooLarge)
    }

    /// A number below 251 is one byte. A larger number follows a byte for its width.
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
        // Writes all bytes and truncates: a copy of a constant length takes fewer instructions.
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
}

impl Walk for Encoder<'_> {
    type Elements = List;

    #[inline(always)]
    fn node(&mut self, node: Node<'_>) -> Result<(), Refusal> {
        match node {
            Node::Bool(value) => self.put(&[u8::from(value)]),
            Node::I8(value) => self.put(&value.to_le_bytes()),
            Node::I16(value) => self.put_signed(value.into()),
            Node::I32(value) => self.put_signed(value.into()),
            Node::I64(value) => self.put_signed(value),
            Node::I128(value) => self.put_other(value),
            Node::U8(value) => self.put(&[value]),
            Node::U16(value) => self.put_unsigned(value.into()),
            Node::U32(value) => self.put_unsigned(value.into()),
            Node::U64(value) => self.put_unsigned(value),
            Node::U128(value) => self.put_other(value),
            Node::F32(value) => self.put(&value.to_le_bytes()),
            Node::F64(value) => self.put(&value.to_le_bytes()),
            Node::Char(value) => self.put_other(value),
            Node::String(value) => self.put_bytes(value.as_bytes()),
            Node::Bytes(value) => self.put_bytes(value),
            Node::None => self.put(&[0]),
            Node::Some => self.put(&[1]),
            Node::Sequence(length) | Node::Map(length) => {
                self.put_unsigned(length.ok_or(Refusal::Unencodable)? as u64)
            }
            Node::UnitVariant(Variant(_, index, _))
            | Node::NewtypeVariant(Variant(_, index, _))
            | Node::TupleVariant(Variant(_, index, _))
            | Node::StructVariant(Variant(_, index, _)) => self.put_unsigned(index.into()),
            Node::Unit
            | Node::UnitStruct(_)
            | Node::Newtype(_)
            | Node::Tuple(_)
            | Node::TupleStruct(_)
            | Node::Struct(_) => Ok(()),
        }
    }

    /// Many types have a second, human-readable form.
    fn is_human_readable(&self) -> bool {
        false
    }

    #[inline]
    fn enter(&mut self) -> Result<(), Refusal> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Refusal::TooDeep { limit: MAX_DEPTH });
        }
        Ok(())
    }

    #[inline]
    fn leave(&mut self) {
        self.depth -= 1;
    }

    fn skip(&mut self, field: &'static str) -> Result<(), Refusal> {
        Err(Refusal::SkipsField(field))
    }

    #[inline]
    fn elements(&mut self, length: Option<usize>) -> List {
        List {
            left: length.unwrap_or_default(),
            start: 0,
        }
    }

    #[inline]
    fn begin_element(&mut self, list: &mut List) {
        list.start = self.out.len();
    }

    #[inline]
    fn end_element(&mut self, list: &mut List) -> Result<(), Refusal> {
        list.left = list.left.checked_sub(1).ok_or(Refusal::Unencodable)?;
        if self.out.len() == list.start {
            return Err(Refusal::EmptyElements);
        }
        Ok(())
    }

    /// Refuses a list whose announced length is wrong: it would be read as another value.
    #[inline]
    fn end_of_elements(&mut self, list: List) -> Result<(), Refusal> {
        if list.left == 0 {
            Ok(())
        } else {
            Err(Refusal::Unencodable)
        }
    }
}

struct List {
    /// The number of elements still to come.
    left: usize,
    /// Where the latest element begins.
    start: usize,
}

impl Writer for Encoder<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.put(bytes).map_err(|_| EncodeError::UnexpectedEnd)
    }
}
