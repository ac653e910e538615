//! A walk that hashes a value.

use std::collections::BTreeSet;

use super::super::walk::{Node, Variant, Walk};
use super::hash::{Hashes, fold};
use super::{Detail, Refusal, text};

pub(super) struct Tracer {
    pub(super) hashes: Hashes,
    pub(super) human_readable: bool,
    pub(super) detail: Detail,
}

impl Tracer {
    #[inline]
    fn leaf(&mut self, kind: u64, value: impl FnOnce() -> u64) {
        self.hashes.name(kind);
        if self.detail == Detail::Values {
            self.hashes.value(value());
        }
    }

    #[inline]
    fn wide(&mut self, kind: u64, value: u128) {
        if self.detail == Detail::Values {
            self.hashes.value((value >> 64) as u64);
        }
        self.leaf(kind, || value as u64);
    }

    #[inline]
    fn named(&mut self, kind: u64, name: &str) {
        self.hashes.name(kind);
        self.hashes.name(text(name.as_bytes()));
    }

    /// Hashes the index beside the name, so that a swap of two variants is detected even in a list with both.
    #[inline]
    fn variant(&mut self, kind: u64, Variant(name, index, variant): Variant) {
        self.named(kind, name);
        self.hashes.name(index.into());
        self.hashes.name(text(variant.as_bytes()));
    }
}

impl Walk for Tracer {
    type Elements = Elements;

    /// The numbers of the kinds are frozen, because they are hashed.
    #[inline(always)]
    fn node(&mut self, node: Node<'_>) -> Result<(), Refusal> {
        match node {
            Node::Bool(value) => self.leaf(1, || value.into()),
            Node::I8(value) => self.leaf(2, || value as u64),
            Node::I16(value) => self.leaf(3, || value as u64),
            Node::I32(value) => self.leaf(4, || value as u64),
            Node::I64(value) => self.leaf(5, || value as u64),
            Node::I128(value) => self.wide(6, value as u128),
            Node::U8(value) => self.leaf(7, || value.into()),
            Node::U16(value) => self.leaf(8, || value.into()),
            Node::U32(value) => self.leaf(9, || value.into()),
            Node::U64(value) => self.leaf(10, || value),
            Node::U128(value) => self.wide(11, value),
            Node::F32(value) => self.leaf(12, || value.to_bits().into()),
            Node::F64(value) => self.leaf(13, || value.to_bits()),
            Node::Char(value) => self.leaf(14, || value.into()),
            Node::String(value) => self.leaf(15, || text(value.as_bytes())),
            Node::Bytes(value) => self.leaf(16, || text(value)),
            Node::Unit => self.leaf(17, || 0),
            Node::UnitStruct(name) => self.named(18, name),
            Node::None => self.leaf(19, || 0),
            Node::Some => self.hashes.name(20),
            Node::Newtype(name) => self.named(21, name),
            Node::Sequence(_) => self.hashes.name(22),
            Node::Map(_) => self.hashes.name(23),
            Node::Tuple(length) => {
                self.hashes.name(24);
                self.hashes.name(length as u64);
            }
            Node::TupleStruct(name) => self.named(25, name),
            Node::Struct(name) => self.named(26, name),
            Node::UnitVariant(variant) => self.variant(27, variant),
            Node::NewtypeVariant(variant) => self.variant(28, variant),
            Node::TupleVariant(variant) => self.variant(29, variant),
            Node::StructVariant(variant) => self.variant(30, variant),
        }
        Ok(())
    }

    fn is_human_readable(&self) -> bool {
        self.human_readable
    }

    #[inline]
    fn field(&mut self, name: &'static str) {
        self.hashes.name(text(name.as_bytes()));
    }

    /// A field that is left out has no place in the value.
    fn skip(&mut self, _: &'static str) -> Result<(), Refusal> {
        Ok(())
    }

    /// Separates the parts from a part that follows.
    #[inline]
    fn end_of_parts(&mut self) {
        self.hashes.name(END);
    }

    fn elements(&mut self, _: Option<usize>) -> Elements {
        Elements {
            outer: self.hashes,
            marks: Marks::default(),
            sum: 0,
        }
    }

    #[inline]
    fn begin_element(&mut self, _: &mut Elements) {
        self.hashes = Hashes::START;
    }

    #[inline]
    fn end_element(&mut self, elements: &mut Elements) -> Result<(), Refusal> {
        elements.marks.insert(self.hashes.mark);
        elements.sum = elements.sum.wrapping_add(self.hashes.joined());
        Ok(())
    }

    fn end_of_elements(&mut self, elements: Elements) -> Result<(), Refusal> {
        self.hashes = elements.outer;
        self.hashes.mark = elements.marks.fold_into(self.hashes.mark);
        self.hashes.name(END);
        self.hashes.value(elements.sum);
        Ok(())
    }
}

/// The elements of a list or the entries of a map: any number in any order.
pub(super) struct Elements {
    outer: Hashes,
    marks: Marks,
    sum: u64,
}

/// The marks of the elements of one list. Most lists have one mark, which takes no allocation.
#[derive(Default)]
struct Marks {
    last: Option<u64>,
    others: BTreeSet<u64>,
}

impl Marks {
    #[inline]
    fn insert(&mut self, mark: u64) {
        if self.last != Some(mark) {
            self.others.extend(self.last.replace(mark));
        }
    }

    fn fold_into(mut self, hash: u64) -> u64 {
        if self.others.is_empty() {
            return self.last.map_or(hash, |mark| fold(hash, mark));
        }
        self.others.extend(self.last);
        self.others.into_iter().fold(hash, fold)
    }
}

const END: u64 = 31;
