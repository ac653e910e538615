//! The insides of lists, maps, structs and enums, for a deserializer without input.

use std::ops::Range;

use serde::de::{
    DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::sampler::{Halt, Sampler, Step};

impl Sampler<'_> {
    fn hand<'de, S: DeserializeSeed<'de>>(&self, step: Step, seed: S) -> Result<S::Value, Halt> {
        seed.deserialize(Sampler {
            run: self.run,
            place: &self.step(step),
        })
    }
}

/// Parts in order.
pub(super) struct Parts<'r> {
    parent: Sampler<'r>,
    left: Range<usize>,
    step: fn(usize, &'static [&'static str]) -> Step,
    names: &'static [&'static str],
}

impl<'r> Parts<'r> {
    pub(super) fn tuple(parent: Sampler<'r>, length: usize) -> Self {
        Self {
            parent,
            left: 0..length,
            step: |index, _| Step::Part(index),
            names: &[],
        }
    }

    /// None or one.
    pub(super) fn list(parent: Sampler<'r>) -> Self {
        Self {
            parent,
            left: 0..parent.choose(2),
            step: |_, _| Step::Element,
            names: &[],
        }
    }

    pub(super) fn fields(parent: Sampler<'r>, names: &'static [&'static str]) -> Self {
        Self {
            parent,
            left: 0..names.len(),
            step: |index, names| {
                names
                    .get(index)
                    .map_or(Step::Part(index), |name| Step::Field(name))
            },
            names,
        }
    }
}

impl<'de> SeqAccess<'de> for Parts<'_> {
    type Error = Halt;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Halt> {
        // A type that ignores errors and asks again must come to an end.
        if self.parent.run.is_over() {
            return Ok(None);
        }
        let Some(index) = self.left.next() else {
            return Ok(None);
        };
        let step = (self.step)(index, self.names);
        self.parent.hand(step, seed).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.len())
    }
}

/// No entry of a map, or one.
pub(super) struct Entry<'r> {
    parent: Sampler<'r>,
    left: usize,
}

impl<'r> Entry<'r> {
    pub(super) fn new(parent: Sampler<'r>) -> Self {
        let left = parent.choose(2);
        Self { parent, left }
    }
}

impl<'de> MapAccess<'de> for Entry<'_> {
    type Error = Halt;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Halt> {
        if self.parent.run.is_over() || self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        self.parent.hand(Step::Key, seed).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Halt> {
        self.parent.hand(Step::Value, seed)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// One variant of an enum, named by its index as bincode does.
pub(super) struct Variant<'r> {
    parent: Sampler<'r>,
    index: usize,
    name: &'static str,
}

impl<'r> Variant<'r> {
    pub(super) fn new(parent: Sampler<'r>, names: &'static [&'static str]) -> Self {
        let (run, place) = (parent.run, parent.place);
        let index = run.choose_variant(place.site, place.depth, names.len());
        Self {
            parent,
            index,
            name: names.get(index).copied().unwrap_or_default(),
        }
    }

    fn hand<'de, S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Halt> {
        self.parent.hand(Step::Variant(self.name), seed)
    }

    fn visit<'de, V: Visitor<'de>>(
        self,
        parts: impl FnOnce(Sampler<'_>) -> Parts<'_>,
        visitor: V,
    ) -> Result<V::Value, Halt> {
        self.parent.enter()?;
        visitor.visit_seq(parts(Sampler {
            run: self.parent.run,
            place: &self.parent.step(Step::Variant(self.name)),
        }))
    }
}

impl<'de> EnumAccess<'de> for Variant<'_> {
    type Error = Halt;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Halt> {
        let index = u32::try_from(self.index).map_err(|_| Halt)?;
        let variant: Result<_, Halt> = seed.deserialize(index.into_deserializer());
        if variant.is_err() {
            let beyond = (self.parent.place.site, self.index);
            self.parent.run.seen.beyond.set(Some(beyond));
        }
        Ok((variant?, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'_> {
    type Error = Halt;

    fn unit_variant(self) -> Result<(), Halt> {
        self.parent.enter()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Halt> {
        self.parent.enter()?;
        self.hand(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Halt> {
        self.visit(|parent| Parts::tuple(parent, length), visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Halt> {
        self.visit(|parent| Parts::fields(parent, fields), visitor)
    }
}
