//! The only serializer for serde: it walks over a value, and calls a visitor that encodes or hashes the value.

use serde::ser::{self, Serialize, Serializer};

use super::Refusal;

/// A node of a value; the walk continues with its parts.
#[derive(Clone, Copy)]
pub(super) enum Node<'v> {
    Bool(bool),
    I8(i8),
    I16(i16),
    I32(i32),
    I64(i64),
    I128(i128),
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    U128(u128),
    F32(f32),
    F64(f64),
    Char(char),
    String(&'v str),
    Bytes(&'v [u8]),
    Unit,
    UnitStruct(&'static str),
    None,
    Some,
    Newtype(&'static str),
    Sequence(Option<usize>),
    Map(Option<usize>),
    Tuple(usize),
    TupleStruct(&'static str),
    Struct(&'static str),
    UnitVariant(Variant),
    NewtypeVariant(Variant),
    TupleVariant(Variant),
    StructVariant(Variant),
}

/// The name of an enum, and the index and the name of its variant.
#[derive(Clone, Copy)]
pub(super) struct Variant(
    pub(super) &'static str,
    pub(super) u32,
    pub(super) &'static str,
);

/// The visitor of a walk, which is called with the nodes in serde's order.
pub(super) trait Walk {
    /// The state of a list or map until it ends.
    type Elements;

    /// Always inlined, because each method of the serializer passes a constant kind of node.
    fn node(&mut self, node: Node<'_>) -> Result<(), Refusal>;

    fn is_human_readable(&self) -> bool;

    /// Goes one level deeper: into an `Option`, a newtype, or a value with parts.
    #[inline]
    fn enter(&mut self) -> Result<(), Refusal> {
        Ok(())
    }

    #[inline]
    fn leave(&mut self) {}

    /// The next part has this name.
    #[inline]
    fn field(&mut self, _name: &'static str) {}

    /// The next part is left out of this value.
    fn skip(&mut self, name: &'static str) -> Result<(), Refusal>;

    /// A fixed number of parts in a fixed order has ended.
    #[inline]
    fn end_of_parts(&mut self) {}

    /// Elements of a list or entries of a map follow: any number in any order.
    fn elements(&mut self, length: Option<usize>) -> Self::Elements;

    fn begin_element(&mut self, elements: &mut Self::Elements);

    fn end_element(&mut self, elements: &mut Self::Elements) -> Result<(), Refusal>;

    fn end_of_elements(&mut self, elements: Self::Elements) -> Result<(), Refusal>;
}

/// The serializer that shows a value to a walk.
pub(super) struct Walker<'w, W>(pub(super) &'w mut W);

impl<'w, W: Walk> Walker<'w, W> {
    #[inline]
    fn inside<T: Serialize + ?Sized>(self, node: Node<'_>, value: &T) -> Result<(), Refusal> {
        self.0.node(node)?;
        self.0.enter()?;
        value.serialize(Walker(&mut *self.0))?;
        self.0.leave();
        Ok(())
    }

    #[inline]
    fn parts(self, node: Node<'_>) -> Result<Parts<'w, W>, Refusal> {
        self.0.node(node)?;
        self.0.enter()?;
        Ok(Parts(self.0))
    }

    #[inline]
    fn elements(self, node: Node<'_>, length: Option<usize>) -> Result<Elements<'w, W>, Refusal> {
        let Parts(walk) = self.parts(node)?;
        let elements = walk.elements(length);
        Ok(Elements { walk, elements })
    }
}

/// The methods for nodes with nothing inside.
macro_rules! leaves {
    ($($method:ident($($value:ident: $type:ty),*) $node:expr;)*) => {$(
        #[inline]
        fn $method(self $(, $value: $type)*) -> Result<(), Refusal> {
            self.0.node($node)
        }
    )*};
}

impl<'w, W: Walk> Serializer for Walker<'w, W> {
    type Ok = ();
    type Error = Refusal;
    type SerializeSeq = Elements<'w, W>;
    type SerializeMap = Elements<'w, W>;
    type SerializeTuple = Parts<'w, W>;
    type SerializeTupleStruct = Parts<'w, W>;
    type SerializeTupleVariant = Parts<'w, W>;
    type SerializeStruct = Parts<'w, W>;
    type SerializeStructVariant = Parts<'w, W>;

    leaves! {
        serialize_bool(value: bool) Node::Bool(value);
        serialize_i8(value: i8) Node::I8(value);
        serialize_i16(value: i16) Node::I16(value);
        serialize_i32(value: i32) Node::I32(value);
        serialize_i64(value: i64) Node::I64(value);
        serialize_i128(value: i128) Node::I128(value);
        serialize_u8(value: u8) Node::U8(value);
        serialize_u16(value: u16) Node::U16(value);
        serialize_u32(value: u32) Node::U32(value);
        serialize_u64(value: u64) Node::U64(value);
        serialize_u128(value: u128) Node::U128(value);
        serialize_f32(value: f32) Node::F32(value);
        serialize_f64(value: f64) Node::F64(value);
        serialize_char(value: char) Node::Char(value);
        serialize_str(value: &str) Node::String(value);
        serialize_bytes(value: &[u8]) Node::Bytes(value);
        serialize_unit() Node::Unit;
        serialize_unit_struct(name: &'static str) Node::UnitStruct(name);
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str)
            Node::UnitVariant(Variant(name, index, variant));
        serialize_none() Node::None;
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Refusal> {
        self.inside(Node::Some, value)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Refusal> {
        self.inside(Node::Newtype(name), value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Refusal> {
        let variant = Variant(name, index, variant);
        self.inside(Node::NewtypeVariant(variant), value)
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Elements<'w, W>, Refusal> {
        self.elements(Node::Sequence(length), length)
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Elements<'w, W>, Refusal> {
        self.elements(Node::Map(length), length)
    }

    fn serialize_tuple(self, length: usize) -> Result<Parts<'w, W>, Refusal> {
        self.parts(Node::Tuple(length))
    }

    fn serialize_tuple_struct(self, name: &'static str, _: usize) -> Result<Parts<'w, W>, Refusal> {
        self.parts(Node::TupleStruct(name))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'w, W>, Refusal> {
        self.parts(Node::TupleVariant(Variant(name, index, variant)))
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Parts<'w, W>, Refusal> {
        self.parts(Node::Struct(name))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Parts<'w, W>, Refusal> {
        self.parts(Node::StructVariant(Variant(name, index, variant)))
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

/// A fixed number of parts in a fixed order.
pub(super) struct Parts<'w, W>(&'w mut W);

macro_rules! serialize_parts {
    ($($trait:ident::$method:ident($($name:ident)?);)*) => {$(
        impl<W: Walk> ser::$trait for Parts<'_, W> {
            type Ok = ();
            type Error = Refusal;

            #[inline]
            fn $method<T: Serialize + ?Sized>(
                &mut self,
                $($name: &'static str,)?
                value: &T,
            ) -> Result<(), Refusal> {
                $(self.0.field($name);)?
                value.serialize(Walker(&mut *self.0))
            }

            $(
                fn skip_field(&mut self, $name: &'static str) -> Result<(), Refusal> {
                    self.0.skip($name)
                }
            )?

            #[inline]
            fn end(self) -> Result<(), Refusal> {
                self.0.leave();
                self.0.end_of_parts();
                Ok(())
            }
        }
    )*};
}

serialize_parts! {
    SerializeTuple::serialize_element();
    SerializeTupleStruct::serialize_field();
    SerializeTupleVariant::serialize_field();
    SerializeStruct::serialize_field(name);
    SerializeStructVariant::serialize_field(name);
}

/// The elements of a list or the entries of a map.
pub(super) struct Elements<'w, W: Walk> {
    walk: &'w mut W,
    elements: W::Elements,
}

impl<W: Walk> Elements<'_, W> {
    #[inline]
    fn first<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refusal> {
        self.walk.begin_element(&mut self.elements);
        value.serialize(Walker(&mut *self.walk))
    }

    fn close(self) -> Result<(), Refusal> {
        self.walk.leave();
        self.walk.end_of_elements(self.elements)
    }
}

impl<W: Walk> ser::SerializeSeq for Elements<'_, W> {
    type Ok = ();
    type Error = Refusal;

    #[inline]
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refusal> {
        self.first(value)?;
        self.walk.end_element(&mut self.elements)
    }

    fn end(self) -> Result<(), Refusal> {
        self.close()
    }
}

impl<W: Walk> ser::SerializeMap for Elements<'_, W> {
    type Ok = ();
    type Error = Refusal;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refusal> {
        self.first(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refusal> {
        value.serialize(Walker(&mut *self.walk))?;
        self.walk.end_element(&mut self.elements)
    }

    fn end(self) -> Result<(), Refusal> {
        self.close()
    }
}
