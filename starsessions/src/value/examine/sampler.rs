//! A deserializer without input: it answers every request with a sample.

use std::fmt;
use std::rc::Rc;

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer,
    VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::super::trace::{fold, text};
use super::plan::{Run, Site};
use super::sample;
use crate::sentence::sentences;

/// One place of a type, as its `Deserialize` sees it.
#[derive(Clone)]
pub(super) struct Sampler<'r> {
    run: &'r Run<'r>,
    place: Rc<Place>,
}

/// The path from the type to a part of it.
struct Place {
    parent: Option<Rc<Self>>,
    step: Step,
    site: Site,
    depth: usize,
}

#[derive(Clone, Copy)]
enum Step {
    Inside,
    /// The name at the position of the field. serde lists aliases among the names, so behind an alias it may be a name of
    /// an earlier field.
    Field(&'static str),
    Variant(&'static str),
    Part(usize),
    Element,
    Key,
    Value,
}

impl<'r> Sampler<'r> {
    pub(super) fn sample<T: DeserializeOwned>(run: &'r Run<'r>) -> Result<T, Halt> {
        let place = Place {
            parent: None,
            step: Step::Inside,
            site: 0,
            depth: 0,
        };
        let place = Rc::new(place);
        T::deserialize(Self { run, place })
    }

    fn at(&self, step: Step) -> Self {
        let (kind, name) = match step {
            Step::Inside => (1, 0),
            Step::Field(name) => (2, text(name.as_bytes())),
            Step::Variant(name) => (3, text(name.as_bytes())),
            Step::Part(index) => (4, index as u64),
            Step::Element => (5, 0),
            Step::Key => (6, 0),
            Step::Value => (7, 0),
        };
        let place = Place {
            parent: Some(Rc::clone(&self.place)),
            step,
            site: fold(fold(self.place.site, kind), name),
            depth: self.place.depth + 1,
        };
        Self {
            run: self.run,
            place: Rc::new(place),
        }
    }

    /// The first step of every request.
    fn enter(&self) -> Result<(), Halt> {
        if self.run.is_over() || self.place.depth > DEEPEST {
            return Err(Halt);
        }
        Ok(())
    }

    fn choose(&self, count: usize) -> usize {
        self.run.choose(self.place.site, self.place.depth, count)
    }

    fn leaf<T>(&self, sample: fn(u8) -> Result<T, Halt>) -> Result<T, Halt> {
        self.enter()?;
        let known = self.run.sample(self.place.site);
        // Some kinds of values have fewer samples.
        let other = self.run.variation(self.place.site);
        match other.map(sample) {
            Some(Ok(other)) => Ok(other),
            _ => sample(known),
        }
    }

    /// One part for each step.
    fn parts<'de, V: Visitor<'de>>(
        self,
        steps: impl Iterator<Item = Step>,
        visitor: V,
    ) -> Result<V::Value, Halt> {
        let parts = steps.map(|step| self.at(step));
        visitor.visit_seq(SeqDeserializer::new(parts))
    }
}

impl Place {
    /// The path as a developer would write it: `cart.items[].price`.
    fn describe(&self) -> String {
        let mut path = self
            .parent
            .as_deref()
            .map_or_else(String::new, Self::describe);
        match self.step {
            Step::Inside => {}
            Step::Field(name) if path.is_empty() => path.push_str(name),
            Step::Field(name) => path.extend([".", name]),
            Step::Variant(name) => path.extend(["::", name]),
            Step::Part(index) => path.extend([".", &index.to_string()]),
            Step::Element => path.push_str("[]"),
            Step::Key => path.push_str("{key}"),
            Step::Value => path.push_str("{value}"),
        }
        path
    }
}

macro_rules! leaves {
    ($($method:ident $visit:ident $sample:expr;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Halt> {
            visitor.$visit(self.leaf($sample)?)
        }
    )*};
}

impl<'de> Deserializer<'de> for Sampler<'_> {
    type Error = Halt;

    leaves! {
        deserialize_bool visit_bool sample::boolean;
        deserialize_i8 visit_i8 sample::number;
        deserialize_i16 visit_i16 sample::number;
        deserialize_i32 visit_i32 sample::number;
        deserialize_i64 visit_i64 sample::number;
        deserialize_i128 visit_i128 sample::number;
        deserialize_u8 visit_u8 sample::number;
        deserialize_u16 visit_u16 sample::number;
        deserialize_u32 visit_u32 sample::number;
        deserialize_u64 visit_u64 sample::number;
        deserialize_u128 visit_u128 sample::number;
        deserialize_f32 visit_f32 sample::number;
        deserialize_f64 visit_f64 sample::number;
        deserialize_char visit_char sample::character;
        deserialize_str visit_str sample::text;
        deserialize_string visit_str sample::text;
        deserialize_bytes visit_bytes sample::bytes;
        deserialize_byte_buf visit_bytes sample::bytes;
    }

    /// Refuses a question that only a self-describing format can answer.
    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Halt> {
        let path = self.place.describe();
        self.run.seen.asked.borrow_mut().get_or_insert(path.into());
        Err(Halt)
    }

    forward_to_deserialize_any! { identifier ignored_any }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Halt> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Halt> {
        visitor.visit_unit()
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Halt> {
        self.enter()?;
        match self.choose(2) {
            0 => visitor.visit_none(),
            _ => visitor.visit_some(self.at(Step::Inside)),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Halt> {
        self.enter()?;
        visitor.visit_newtype_struct(self.at(Step::Inside))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Halt> {
        self.enter()?;
        let count = self.choose(2);
        self.parts((0..count).map(|_| Step::Element), visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Halt> {
        self.enter()?;
        let entries = (0..self.choose(2)).map(|_| (self.at(Step::Key), self.at(Step::Value)));
        visitor.visit_map(MapDeserializer::new(entries))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Halt> {
        self.enter()?;
        self.parts((0..length).map(Step::Part), visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Halt> {
        self.deserialize_tuple(length, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Halt> {
        self.enter()?;
        self.parts(fields.iter().copied().map(Step::Field), visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Halt> {
        self.enter()?;
        visitor.visit_enum(Variants(self, variants))
    }

    fn is_human_readable(&self) -> bool {
        self.run.human_readable
    }
}

impl<'de> IntoDeserializer<'de, Halt> for Sampler<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// The variants of an enum. A variant is chosen by its index, as in bincode.
struct Variants<'r>(Sampler<'r>, &'static [&'static str]);

impl<'de, 'r> EnumAccess<'de> for Variants<'r> {
    type Error = Halt;
    type Variant = Sampler<'r>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Sampler<'r>), Halt> {
        let Self(parent, names) = self;
        let (run, place) = (parent.run, &parent.place);
        let index = run.choose_variant(place.site, place.depth, names.len());
        let number = u32::try_from(index).map_err(|_| Halt)?;
        let variant: Result<_, Halt> = seed.deserialize(number.into_deserializer());
        if variant.is_err() {
            run.seen.beyond.set(Some((place.site, index)));
        }
        let name = names.get(index).copied().unwrap_or_default();
        Ok((variant?, parent.at(Step::Variant(name))))
    }
}

impl<'de> VariantAccess<'de> for Sampler<'_> {
    type Error = Halt;

    fn unit_variant(self) -> Result<(), Halt> {
        self.enter()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Halt> {
        self.enter()?;
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Halt> {
        self.deserialize_tuple(length, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Halt> {
        self.deserialize_struct("", fields, visitor)
    }
}

/// The type did not accept a sample, or there is no sample.
#[derive(Debug)]
pub(super) struct Halt;

sentences! { Halt: _ => "this type is being examined; no value is expected here"; }

impl de::Error for Halt {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

const DEEPEST: usize = 64;
