struct Shop<T> {
    #[session(expries = "10m")]
    cart: Vec<T>,
}

// ------------------------------------------------------------ expands to

::core::compile_error! {
    "unknown key `expries`; did you mean `expires`?"
}
const _: () = {
    use ::starsessions::__private as __p;
    #[automatically_derived]
    #[allow(deprecated, redundant_lifetimes, unused_qualifications)]
    impl<T> __p::SessionData for Shop<T>
    where
        Self: __p::core::marker::Send + __p::core::marker::Sync + 'static,
    {
        const SCHEMA: &'static __p::Schema = &__p::Schema {
            type_name: "Shop",
            module: __p::core::module_path!(),
            realm: "",
            bound: false,
            reject: __p::core::option::Option::None,
            fields: &[],
        };
        fn load(
            __fields: &mut __p::FieldReader<'_>,
        ) -> __p::core::result::Result<Self, __p::Absent> {
            __p::core::unreachable!()
        }
        fn save(&self, __fields: &mut __p::FieldWriter) {}
        fn validate(&self) -> __p::core::result::Result<(), __p::Invalid> {
            __p::core::result::Result::Ok(())
        }
        fn debug_fields(&self, __out: &mut __p::core::fmt::DebugStruct<'_, '_>) {
            #[allow(unused_imports)]
            use __p::{ShowOpaque as _, ShowValue as _};
        }
    }
};
