//! The insides of what has parts.

use std::collections::BTreeSet;

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

use super::hash::{Hashes, fold};
use super::tracer::{Kind, State, Tracer};
use super::{Refusal, text};

/// What has a fixed number of parts in a fixed order.
pub(super) struct Parts<'s>(&'s mut State);

impl<'s> Parts<'s> {
    #[inline]
    pub(super) fn new(state: &'s mut State) -> Self {
        Self(state)
    }

    #[inline]
    fn part<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refusal> {
        value.serialize(Tracer(self.0))
    }

    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Refusal> {
        self.0.hashes.name(text(name.as_bytes()));
        self.part(value)
    }

    /// Without it, a part that follows could be one of these.
    #[inline]
    fn close(self) -> Result<(), Refusal> {
        self.0.hashes.name(Kind::End as u64);
        Ok(())
    }
}

macro_rules! parts {
    ($($trait:ident::$method:ident $(($key:ident))?)*) => {$(
        impl $trait for Parts<'_> {
            type Ok = ();
            type Error = Refusal;

            #[inline]
            fn $method<T: Serialize + ?Sized>(
                &mut self,
                $($key: &'static str,)?
                value: &T,
            ) -> Result<(), Refusal> {
                parts!(self, value $(, $key)?)
            }

            #[inline]
            fn end(self) -> Result<(), Refusal> {
                self.close()
            }
        }
    )*};
    ($self:ident, $value:ident) => { $self.part($value) };
    ($self:ident, $value:ident, $key:ident) => { $self.field($key, $value) };
}

parts! {
    SerializeTuple::serialize_element
    SerializeTupleStruct::serialize_field
    SerializeTupleVariant::serialize_field
    SerializeStruct::serialize_field(key)
    SerializeStructVariant::serialize_field(key)
}

/// The elements of a list or the entries of a map: any number in any order.
pub(super) struct Elements<'s> {
    state: &'s mut State,
    outer: Hashes,
    marks: Marks,
    sum: u64,
    count: u64,
}

impl<'s> Elements<'s> {
    pub(super) fn new(state: &'s mut State, kind: Kind) -> Self {
        state.hashes.name(kind as u64);
        Self {
            outer: state.hashes,
            state,
            marks: Marks::default(),
            sum: 0,
            count: 0,
        }
    }

    #[inline]
    fn open<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refusal> {
        self.state.hashes = Hashes::START;
        value.serialize(Tracer(self.state))
    }

    #[inline]
    fn close(&mut self) {
        self.marks.insert(self.state.hashes.mark);
        self.sum = self.sum.wrapping_add(self.state.hashes.joined());
        self.count += 1;
    }

    fn end(self) {
        let mut hashes = self.outer;
        hashes.mark = self.marks.fold_into(hashes.mark);
        hashes.name(Kind::End as u64);
        hashes.value(self.count);
        hashes.value(self.sum);
        self.state.hashes = hashes;
    }
}

impl SerializeSeq for Elements<'_> {
    type Ok = ();
    type Error = Refusal;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refusal> {
        self.open(value)?;
        self.close();
        Ok(())
    }

    fn end(self) -> Result<(), Refusal> {
        Elements::end(self);
        Ok(())
    }
}

impl SerializeMap for Elements<'_> {
    type Ok = ();
    type Error = Refusal;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refusal> {
        self.open(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refusal> {
        value.serialize(Tracer(self.state))?;
        self.close();
        Ok(())
    }

    fn end(self) -> Result<(), Refusal> {
        Elements::end(self);
        Ok(())
    }
}

/// The marks of the elements of one list. Most lists have one, which takes no allocation.
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
