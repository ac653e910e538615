//! The insides of lists, maps, structs and enums, for a deserializer without input.

use std::ops::Range;

use serde::de::{
    DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::sampler::{Halt, Sampler, Step};

impl Sampler<'_> {
    fn hand<'de, S: DeserializeSeed<'de>>(&self, step: Step, seed: S) -> Result<S::Value, Halt> {
        seed.deserialize(self.at(&self.step(step)))
    }
}

/// Parts in order, or the entries of a map.
pub(super) struct Parts<'r> {
    parent: Sampler<'r>,
    left: Range<usize>,
    names: &'static [&'static str],
    /// The step to a part without a name.
    step: fn(usize) -> Step,
}

impl<'r> Parts<'r> {
    pub(super) fn tuple(parent: Sampler<'r>, length: usize) -> Self {
        Self {
            parent,
            left: 0..length,
            names: &[],
            step: Step::Part,
        }
    }

    pub(super) fn fields(parent: Sampler<'r>, names: &'static [&'static str]) -> Self {
        let parts = Self::tuple(parent, names.len());
        Self { names, ..parts }
    }

    /// None or one.
    pub(super) fn elements(parent: Sampler<'r>, step: fn(usize) -> Step) -> Self {
        let parts = Self::tuple(parent, parent.choose(2));
        Self { step, ..parts }
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
        let name = self.names.get(index);
        let step = name.map_or_else(|| (self.step)(index), |name| Step::Field(name));
        self.parent.hand(step, seed).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.len())
    }
}

impl<'de> MapAccess<'de> for Parts<'_> {
    type Error = Halt;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Halt> {
        self.next_element_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Halt> {
        self.parent.hand(Step::Value, seed)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left.len())
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
        let place = self.parent.step(Step::Variant(self.name));
        visitor.visit_seq(parts(self.parent.at(&place)))
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
