//! The insides of sequences, maps, structs and enums, for a deserializer without input.

use std::any::type_name;
use std::ops::Range;

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{
    DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::explorer::Explorer;
use super::run::{Goal, Halt};
use super::tree::{Call, Id, Kind};

/// Elements in order: of tuples, sequences, and structs whose visitor knows no names.
pub(super) struct Elements<'r> {
    parent: Explorer<'r>,
    attempt: u8,
    left: Range<usize>,
}

impl<'r> Elements<'r> {
    pub(super) fn all(parent: Explorer<'r>) -> Self {
        let node = parent.node();
        let count = node.call.length.max(node.children.len());
        Self {
            parent,
            attempt: parent.attempt().unwrap_or_default(),
            left: 0..count,
        }
    }

    /// A sequence is filled with nothing first, with one element in later attempts.
    pub(super) fn at_most_one(parent: Explorer<'r>) -> Self {
        let (count, attempt) = entries(&parent);
        Self {
            parent,
            attempt,
            left: 0..count,
        }
    }
}

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Halt;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Halt> {
        // A type that ignores errors and asks again must come to an end.
        if self.parent.run.outcome.over.get() {
            return Ok(None);
        }
        let Some(index) = self.left.next() else {
            return Ok(None);
        };
        let id = self.parent.node().element(index).ok_or(Halt::Refused)?;
        self.parent.hand(id, self.attempt, seed).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.len())
    }
}

/// The one entry of a map, or none.
pub(super) struct Entry<'r> {
    parent: Explorer<'r>,
    attempt: u8,
    left: usize,
}

impl<'r> Entry<'r> {
    pub(super) fn new(parent: Explorer<'r>) -> Self {
        let (left, attempt) = entries(&parent);
        Self {
            parent,
            attempt,
            left,
        }
    }

    fn hand<'de, S: DeserializeSeed<'de>>(&self, index: usize, seed: S) -> Result<S::Value, Halt> {
        let id = self.parent.node().element(index).ok_or(Halt::Refused)?;
        self.parent.hand(id, self.attempt, seed)
    }
}

impl<'de> MapAccess<'de> for Entry<'_> {
    type Error = Halt;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Halt> {
        if self.parent.run.outcome.over.get() || self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.hand(0, seed).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Halt> {
        self.hand(1, seed)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// The number of elements of a sequence or map, and the attempt for them.
fn entries(parent: &Explorer<'_>) -> (usize, u8) {
    match parent.attempt() {
        None => (1, 0),
        Some(0) => (0, 0),
        Some(attempt) => (1, attempt - 1),
    }
}

/// The fields of a struct by name. Only the one on the way is shown, so that its siblings, which
/// may be hard to make up, are not needed.
pub(super) struct Fields<'r> {
    parent: Explorer<'r>,
    left: Range<usize>,
    current: usize,
}

impl<'r> Fields<'r> {
    pub(super) fn new(parent: Explorer<'r>) -> Self {
        let children = &parent.node().children;
        let way = parent.next_on_the_way();
        let left = match (way, parent.attempt(), parent.run.goal) {
            (None, None, Goal::Compare(first)) => first..first + 2,
            (None, ..) => 0..children.len(),
            (Some(way), ..) => {
                let at = children.iter().position(|child| *child == way);
                at.map_or(0..0, |at| at..at + 1)
            }
        };
        Self {
            parent,
            left,
            current: 0,
        }
    }

    fn is_second_name(&self) -> bool {
        let at_target = self.parent.attempt().is_none() && self.parent.next_on_the_way().is_none();
        let comparing = matches!(self.parent.run.goal, Goal::Compare(_));
        at_target && comparing && self.left.is_empty()
    }
}

impl<'de> MapAccess<'de> for Fields<'_> {
    type Error = Halt;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Halt> {
        if self.parent.run.outcome.over.get() {
            return Ok(None);
        }
        let Some(index) = self.left.next() else {
            return Ok(None);
        };
        self.current = index;
        let name = self.parent.node().names.get(index);
        let name = BorrowedStrDeserializer::new(name.ok_or(Halt::Refused)?);
        let key = seed.deserialize(name)?;
        self.parent
            .run
            .outcome
            .second_name
            .set(self.is_second_name());
        Ok(Some(key))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Halt> {
        if self.is_second_name() {
            self.parent.run.outcome.over.set(true);
            return Err(Halt::Stop);
        }
        let id = self.parent.node().element(self.current);
        let attempt = self.parent.attempt().unwrap_or_default();
        self.parent.hand(id.ok_or(Halt::Refused)?, attempt, seed)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.len())
    }
}

/// One variant of an enum, named by its index as bincode does.
pub(super) struct Variants<'r> {
    parent: Explorer<'r>,
    id: Id,
    index: u32,
    attempt: u8,
}

impl<'r> Variants<'r> {
    /// The variant on the way; otherwise the variants in turn, one for each attempt.
    pub(super) fn new(parent: Explorer<'r>) -> Result<Self, Halt> {
        let children = &parent.node().children;
        let (index, attempt) = match (parent.next_on_the_way(), parent.attempt()) {
            (Some(way), _) => (children.iter().position(|child| *child == way), 0),
            (None, attempt) => {
                let attempt = attempt.unwrap_or_default();
                let count = u8::try_from(children.len()).unwrap_or(u8::MAX).max(1);
                (Some(usize::from(attempt % count)), attempt / count)
            }
        };
        let index = index.ok_or(Halt::Refused)?;
        Ok(Self {
            parent,
            id: *children.get(index).ok_or(Halt::Refused)?,
            index: u32::try_from(index).map_err(|_| Halt::Refused)?,
            attempt,
        })
    }
}

impl<'de, 'r> EnumAccess<'de> for Variants<'r> {
    type Error = Halt;
    type Variant = Explorer<'r>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Explorer<'r>), Halt> {
        let variant = seed.deserialize(self.index.into_deserializer())?;
        Ok((variant, self.parent.child(self.id, self.attempt)))
    }
}

impl<'de> VariantAccess<'de> for Explorer<'_> {
    type Error = Halt;

    fn unit_variant(self) -> Result<(), Halt> {
        self.enter(Call::new(Kind::UnitVariant), "")
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Halt> {
        self.enter(Call::new(Kind::NewtypeVariant), type_name::<S>())?;
        let child = self.node().element(0).ok_or(Halt::Refused)?;
        self.hand(child, self.attempt().unwrap_or_default(), seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Halt> {
        let call = Call::named(Kind::TupleVariant, "", &[], length);
        self.enter(call, type_name::<V>())?;
        visitor.visit_seq(self.elements())
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Halt> {
        let call = Call::named(Kind::StructVariant, "", fields, 0);
        self.enter(call, type_name::<V>())?;
        self.visit_fields(visitor)
    }
}
