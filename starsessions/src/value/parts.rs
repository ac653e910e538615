//! The traits that serde asks of a serializer for what has parts, all of them by the same few methods.

/// For a fixed number of parts in a fixed order: `part`, `field`, `skip` and `close`.
macro_rules! serialize_parts {
    ($parts:ty) => {
        $crate::value::parts::serialize_parts! {
            $parts;
            SerializeTuple::serialize_element part()
            SerializeTupleStruct::serialize_field part()
            SerializeTupleVariant::serialize_field part()
            SerializeStruct::serialize_field field(name)
            SerializeStructVariant::serialize_field field(name)
        }
    };
    ($parts:ty; $($trait:ident::$method:ident $part:ident($($name:ident)?))*) => {$(
        impl serde::ser::$trait for $parts {
            type Ok = ();
            type Error = Refusal;

            #[inline]
            fn $method<T: Serialize + ?Sized>(
                &mut self,
                $($name: &'static str,)?
                value: &T,
            ) -> Result<(), Refusal> {
                self.$part($($name,)? value)
            }

            $(
                fn skip_field(&mut self, $name: &'static str) -> Result<(), Refusal> {
                    self.skip($name)
                }
            )?

            #[inline]
            fn end(self) -> Result<(), Refusal> {
                self.close()
            }
        }
    )*};
}
pub(super) use serialize_parts;

/// For the elements of a list and the entries of a map: `begin` with what is first, `part`, `count` and `close`.
macro_rules! serialize_elements {
    ($elements:ty) => {
        impl serde::ser::SerializeSeq for $elements {
            type Ok = ();
            type Error = Refusal;

            #[inline]
            fn serialize_element<T: Serialize + ?Sized>(
                &mut self,
                value: &T,
            ) -> Result<(), Refusal> {
                self.begin(value)?;
                self.count()
            }

            fn end(self) -> Result<(), Refusal> {
                self.close()
            }
        }

        impl serde::ser::SerializeMap for $elements {
            type Ok = ();
            type Error = Refusal;

            fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refusal> {
                self.begin(key)
            }

            fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refusal> {
                self.part(value)?;
                self.count()
            }

            fn end(self) -> Result<(), Refusal> {
                self.close()
            }
        }
    };
}
pub(super) use serialize_elements;
