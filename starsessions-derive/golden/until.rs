#[session(namespace = "shop")]
struct Checkout {
    #[session(until = rotate, alias = "place")]
    address: Option<String>,
    note: String,
}

// ------------------------------------------------------------ expands to

const _: () = {
    use ::starsessions::__private as __p;
    trait __Fields {
        type F0;
        const F0: Self::F0;
        type F1;
        const F1: Self::F1;
    }
    #[automatically_derived]
    #[allow(deprecated, redundant_lifetimes, unused_qualifications)]
    impl __Fields for Checkout {
        type F0 = __p::Optional<String>;
        const F0: Self::F0 = __p::Optional(
            __p::column::<
                String,
            >(__p::Stored {
                format: __p::Format::Bincode,
                version: 1u32,
                migrate: __p::core::option::Option::None,
                validate: __p::core::option::Option::None,
            }),
        );
        type F1 = __p::Present<String>;
        const F1: Self::F1 = __p::Present(
            __p::column::<
                String,
            >(__p::Stored {
                format: __p::Format::Bincode,
                version: 1u32,
                migrate: __p::core::option::Option::None,
                validate: __p::core::option::Option::None,
            }),
            __p::core::option::Option::Some(|| __p::default_of::<String>()),
        );
    }
    #[automatically_derived]
    #[allow(deprecated, redundant_lifetimes, unused_qualifications)]
    impl __p::SessionData for Checkout {
        const SCHEMA: &'static __p::Schema = &__p::Schema {
            type_name: "Checkout",
            module: __p::core::module_path!(),
            realm: "",
            bound: false,
            reject: __p::core::option::Option::None,
            fields: &[
                __p::FieldSpec {
                    name: "shop.~address",
                    aliases: &["shop.address", "shop.~place", "shop.place"],
                    version: 1u32,
                    field_type: __p::Column::field_type(&<Self as __Fields>::F0.0),
                    expires: __p::core::option::Option::None,
                    idle: __p::core::option::Option::None,
                    required: false,
                    rotate: false,
                    commit_always: false,
                    index: false,
                    flash: false,
                    merge: __p::Merge::Last,
                },
                __p::FieldSpec {
                    name: "shop.note",
                    aliases: &[],
                    version: 1u32,
                    field_type: __p::Column::field_type(&<Self as __Fields>::F1.0),
                    expires: __p::core::option::Option::None,
                    idle: __p::core::option::Option::None,
                    required: false,
                    rotate: false,
                    commit_always: false,
                    index: false,
                    flash: false,
                    merge: __p::Merge::Last,
                },
            ],
        };
        fn load(
            __fields: &mut __p::FieldReader<'_>,
        ) -> __p::core::result::Result<Self, __p::Absent> {
            __p::core::result::Result::Ok(Self {
                note: __p::Present::load(&<Self as __Fields>::F1, __fields, 1usize)?,
                address: __p::Optional::load(&<Self as __Fields>::F0, __fields, 0usize)?,
            })
        }
        fn save(&self, __fields: &mut __p::FieldWriter) {
            __p::Optional::save(&<Self as __Fields>::F0, __fields, &self.address);
            __p::Present::save(&<Self as __Fields>::F1, __fields, &self.note);
        }
        fn validate(&self) -> __p::core::result::Result<(), __p::Invalid> {
            __p::core::result::Result::Ok(())
        }
        fn debug_fields(&self, __out: &mut __p::core::fmt::DebugStruct<'_, '_>) {
            #[allow(unused_imports)]
            use __p::{ShowOpaque as _, ShowValue as _};
            __out.field("address", (&__p::Show(&self.address)).__show());
            __out.field("note", (&__p::Show(&self.note)).__show());
        }
    }
};
