//! A deserializer without input: it walks towards one node and makes up what stands in front.

use std::any::type_name;

use serde::de::{DeserializeSeed, Deserializer, Visitor};

use super::access::{Elements, Entry, Fields, Variants};
use super::run::{Goal, Halt, Run};
use super::sample;
use super::tree::{Call, Id, Kind, Node, Tree};

/// One node, as a type's `Deserialize` sees it.
#[derive(Clone, Copy)]
pub(super) struct Explorer<'r> {
    pub(super) run: &'r Run<'r>,
    pub(super) id: Id,
    pub(super) mode: Mode,
}

#[derive(Clone, Copy)]
pub(super) enum Mode {
    /// On the way to the target; holds the depth.
    Walk(usize),
    /// Beside the way: any value will do. Holds the attempt.
    Fill(u8),
}

impl<'r> Explorer<'r> {
    pub(super) fn root(run: &'r Run<'r>) -> Self {
        if run.path.len() == 1 {
            run.outcome.handed.set(true);
        }
        Self {
            run,
            id: Tree::ROOT,
            mode: Mode::Walk(0),
        }
    }

    pub(super) fn node(&self) -> &'r Node {
        self.run.tree.node(self.id)
    }

    /// What every call does first: end a run that is over, or note what the target is.
    pub(super) fn enter(&self, call: Call, visitor: &'static str) -> Result<(), Halt> {
        self.run.step()?;
        let at_target = matches!(self.mode, Mode::Walk(depth) if depth + 1 == self.run.path.len());
        if at_target && self.run.goal == Goal::Record {
            return Err(self.run.record(call, visitor));
        }
        Ok(())
    }

    /// The next node on the way to the target, if this one is on it.
    pub(super) fn next_on_the_way(&self) -> Option<Id> {
        match self.mode {
            Mode::Walk(depth) => self.run.path.get(depth + 1).copied(),
            Mode::Fill(_) => None,
        }
    }

    /// The attempt for the children of a node that is not on the way; `None` for one that is.
    pub(super) fn attempt(&self) -> Option<u8> {
        match self.mode {
            Mode::Walk(_) => None,
            Mode::Fill(attempt) => Some(attempt),
        }
    }

    /// A child, to be walked to or to be filled. What was accepted for it before comes first.
    pub(super) fn child(&self, id: Id, attempt: u8) -> Self {
        let walk = match self.mode {
            Mode::Walk(depth) if self.next_on_the_way() == Some(id) => Some(depth + 1),
            _ => None,
        };
        let target = walk.is_some_and(|depth| depth + 1 == self.run.path.len());
        if target {
            self.run.outcome.handed.set(true);
        }
        let known = self.run.tree.node(id).attempt.flatten().unwrap_or_default();
        let mode = match (walk, self.run.goal) {
            (Some(_), Goal::Probe(attempt)) if target => Mode::Fill(attempt),
            (Some(depth), _) => Mode::Walk(depth),
            (None, _) if attempt == 0 => Mode::Fill(known),
            (None, _) => Mode::Fill(attempt),
        };
        Self {
            run: self.run,
            id,
            mode,
        }
    }

    /// Gives a child to the type, and ends the run if that was the target.
    pub(super) fn hand<'de, S: DeserializeSeed<'de>>(
        &self,
        id: Id,
        attempt: u8,
        seed: S,
    ) -> Result<S::Value, Halt> {
        self.run.step()?;
        let result = seed.deserialize(self.child(id, attempt));
        if self.next_on_the_way() == self.run.path.last().copied()
            && self.next_on_the_way() == Some(id)
        {
            self.run.outcome.accepted.set(result.is_ok());
            self.run.outcome.over.set(true);
            return Err(Halt::Stop);
        }
        result
    }

    /// A value for a leaf. A leaf has no children, so no way leads through it.
    fn fill<T>(&self, sample: fn(u8) -> Result<T, Halt>) -> Result<T, Halt> {
        sample(self.attempt().ok_or(Halt::Refused)?)
    }

    pub(super) fn elements(self) -> Elements<'r> {
        Elements::all(self)
    }

    pub(super) fn visit_fields<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Halt> {
        if self.node().by_position {
            return visitor.visit_seq(self.elements());
        }
        let result = visitor.visit_map(Fields::new(self));
        let outcome = &self.run.outcome;
        if let (Err(Halt::Duplicate(field)), true) = (&result, outcome.second_name.get()) {
            outcome.same_field.set(Some(field));
        }
        result
    }
}

/// Calls for values without children: what is noted, what is made up.
macro_rules! leaves {
    ($($method:ident $kind:ident $visit:ident $sample:expr;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Halt> {
            self.enter(Call::new(Kind::$kind), type_name::<V>())?;
            visitor.$visit(self.fill($sample)?)
        }
    )*};
}

impl<'de> Deserializer<'de> for Explorer<'_> {
    type Error = Halt;

    leaves! {
        deserialize_bool Bool visit_bool sample::boolean;
        deserialize_i8 I8 visit_i8 sample::number;
        deserialize_i16 I16 visit_i16 sample::number;
        deserialize_i32 I32 visit_i32 sample::number;
        deserialize_i64 I64 visit_i64 sample::number;
        deserialize_i128 I128 visit_i128 sample::number;
        deserialize_u8 U8 visit_u8 sample::number;
        deserialize_u16 U16 visit_u16 sample::number;
        deserialize_u32 U32 visit_u32 sample::number;
        deserialize_u64 U64 visit_u64 sample::number;
        deserialize_u128 U128 visit_u128 sample::number;
        deserialize_f32 F32 visit_f32 sample::number;
        deserialize_f64 F64 visit_f64 sample::number;
        deserialize_char Char visit_char sample::character;
        deserialize_str String visit_str sample::text;
        deserialize_string String visit_str sample::text;
        deserialize_bytes Bytes visit_bytes sample::bytes;
        deserialize_byte_buf Bytes visit_bytes sample::bytes;
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Halt> {
        self.enter(Call::new(Kind::Unit), type_name::<V>())?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Halt> {
        let call = Call::named(Kind::UnitStruct, name, &[], 0);
        self.enter(call, type_name::<V>())?;
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Halt> {
        self.enter(Call::new(Kind::Option), type_name::<V>())?;
        let child = self.node().element(0).ok_or(Halt::Refused)?;
        match self.attempt() {
            Some(0) => visitor.visit_none(),
            Some(attempt) => visitor.visit_some(self.child(child, attempt - 1)),
            None => visitor.visit_some(self.child(child, 0)),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Halt> {
        let call = Call::named(Kind::Newtype, name, &[], 0);
        self.enter(call, type_name::<V>())?;
        let child = self.node().element(0).ok_or(Halt::Refused)?;
        visitor.visit_newtype_struct(self.child(child, self.attempt().unwrap_or_default()))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Halt> {
        self.enter(Call::new(Kind::Sequence), type_name::<V>())?;
        visitor.visit_seq(Elements::at_most_one(self))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Halt> {
        self.enter(Call::new(Kind::Map), type_name::<V>())?;
        visitor.visit_map(Entry::new(self))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Halt> {
        let call = Call::named(Kind::Tuple, "", &[], length);
        self.enter(call, type_name::<V>())?;
        visitor.visit_seq(self.elements())
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Halt> {
        let call = Call::named(Kind::TupleStruct, name, &[], length);
        self.enter(call, type_name::<V>())?;
        visitor.visit_seq(self.elements())
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Halt> {
        let call = Call::named(Kind::Struct, name, fields, 0);
        self.enter(call, type_name::<V>())?;
        self.visit_fields(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Halt> {
        let call = Call::named(Kind::Enum, name, variants, 0);
        self.enter(call, type_name::<V>())?;
        visitor.visit_enum(Variants::new(self)?)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Halt> {
        self.enter(Call::new(Kind::Any), type_name::<V>())?;
        Err(Halt::Refused)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Halt> {
        self.deserialize_any(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Halt> {
        self.deserialize_any(visitor)
    }

    /// As bincode answers: many types have a second form for people.
    fn is_human_readable(&self) -> bool {
        false
    }
}
