//! A deserializer without input: it makes up what it is asked for.

use std::fmt;

use serde::de::{self, DeserializeOwned, Deserializer, Visitor};

use super::super::trace::{fold, text};
use super::access::{Parts, Variant};
use super::plan::{Run, Site};
use super::sample;

/// One place of a type, as its `Deserialize` sees it.
#[derive(Clone, Copy)]
pub(super) struct Sampler<'r> {
    pub(super) run: &'r Run<'r>,
    pub(super) place: &'r Place<'r>,
}

/// The way from the type to here.
pub(super) struct Place<'r> {
    parent: Option<&'r Self>,
    step: Step,
    pub(super) site: Site,
    pub(super) depth: usize,
}

#[derive(Clone, Copy)]
pub(super) enum Step {
    Inside,
    Field(&'static str),
    Variant(&'static str),
    Part(usize),
    Element,
    Key,
    Value,
}

impl<'r> Sampler<'r> {
    pub(super) fn sample<T: DeserializeOwned>(run: &Run<'_>) -> Result<T, Halt> {
        let place = Place {
            parent: None,
            step: Step::Inside,
            site: 0,
            depth: 0,
        };
        T::deserialize(Sampler { run, place: &place })
    }

    pub(super) fn step(&self, step: Step) -> Place<'r> {
        let (kind, name) = match step {
            Step::Inside => (1, 0),
            Step::Field(name) => (2, text(name.as_bytes())),
            Step::Variant(name) => (3, text(name.as_bytes())),
            Step::Part(index) => (4, index as u64),
            Step::Element => (5, 0),
            Step::Key => (6, 0),
            Step::Value => (7, 0),
        };
        Place {
            parent: Some(self.place),
            step,
            site: fold(fold(self.place.site, kind), name),
            depth: self.place.depth + 1,
        }
    }

    pub(super) fn at<'s>(&'s self, place: &'s Place<'s>) -> Sampler<'s> {
        Sampler {
            run: self.run,
            place,
        }
    }

    /// What every question does first.
    pub(super) fn enter(&self) -> Result<(), Halt> {
        if self.run.is_over() || self.place.depth > DEEPEST {
            return Err(Halt);
        }
        Ok(())
    }

    pub(super) fn choose(&self, count: usize) -> usize {
        self.run.choose(self.place.site, self.place.depth, count)
    }

    fn leaf<T>(&self, sample: fn(u8) -> Result<T, Halt>) -> Result<T, Halt> {
        self.enter()?;
        let known = self.run.sample(self.place.site);
        // Not each kind of value has as many samples.
        let other = self.run.variation(self.place.site);
        match other.map(sample) {
            Some(Ok(other)) => Ok(other),
            _ => sample(known),
        }
    }

    fn ask<T>(self) -> Result<T, Halt> {
        let path = self.place.describe();
        self.run.seen.asked.borrow_mut().get_or_insert(path.into());
        Err(Halt)
    }
}

impl Place<'_> {
    /// As a reader of the type would write it: `cart.items[].price`.
    fn describe(&self) -> String {
        let mut path = self.parent.map_or_else(String::new, Self::describe);
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

/// What only a format that describes itself can answer.
macro_rules! questions {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Halt> {
            self.ask()
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

    questions! { deserialize_any deserialize_identifier deserialize_ignored_any }

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
            _ => visitor.visit_some(self.at(&self.step(Step::Inside))),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Halt> {
        self.enter()?;
        visitor.visit_newtype_struct(self.at(&self.step(Step::Inside)))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Halt> {
        self.enter()?;
        visitor.visit_seq(Parts::elements(self, |_| Step::Element))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Halt> {
        self.enter()?;
        visitor.visit_map(Parts::elements(self, |_| Step::Key))
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Halt> {
        self.enter()?;
        visitor.visit_seq(Parts::tuple(self, length))
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
        visitor.visit_seq(Parts::fields(self, fields))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Halt> {
        self.enter()?;
        visitor.visit_enum(Variant::new(self, variants))
    }

    fn is_human_readable(&self) -> bool {
        self.run.human_readable
    }
}

/// A made-up value was not accepted, or there is none.
#[derive(Debug)]
pub(super) struct Halt;

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this type is being examined; no value is expected here")
    }
}

impl std::error::Error for Halt {}

impl de::Error for Halt {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

const DEEPEST: usize = 64;
