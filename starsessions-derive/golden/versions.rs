#[session(namespace = "shop")]
struct Prices {
    #[session(version = 2, migrate = from_euros, validate = positive, rename = "cents", alias = ["euros", "price"])]
    r#type: u64,
}

// ------------------------------------------------------------ expands to

const _: () = {
    use ::starsessions::__private as __p;
    trait __Fields {
        type F0;
        const F0: Self::F0;
    }
    #[automatically_derived]
    #[allow(deprecated, redundant_lifetimes, unused_qualifications)]
    impl __Fields for Prices {
        type F0 = __p::Present<u64>;
        const F0: Self::F0 = __p::Present(
            __p::column::<
                u64,
            >(__p::Stored {
                format: __p::Format::Bincode,
                version: 2u32,
                migrate: __p::core::option::Option::Some(|__value| __p::Migrated::<
                    u64,
                >::migrated(from_euros(__value))),
                validate: __p::core::option::Option::Some(|__value| __p::Verdict::verdict(
                    positive(__value),
                )),
            }),
            __p::core::option::Option::Some(|| __p::default_of::<u64>()),
        );
    }
    #[automatically_derived]
    #[allow(deprecated, redundant_lifetimes, unused_qualifications)]
    impl __p::SessionData for Prices {
        const SCHEMA: &'static __p::Schema = &__p::Schema {
            type_name: "Prices",
            module: __p::core::module_path!(),
            realm: "",
            bound: false,
            reject: __p::core::option::Option::None,
            fields: &[
                __p::FieldSpec {
                    name: "shop.cents",
                    aliases: &["shop.euros", "shop.price"],
                    version: 2u32,
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
            ],
        };
        fn load(
            __fields: &mut __p::FieldReader<'_>,
        ) -> __p::core::result::Result<Self, __p::Absent> {
            __p::core::result::Result::Ok(Self {
                r#type: __p::Present::load(&<Self as __Fields>::F0, __fields, 0usize)?,
            })
        }
        fn save(&self, __fields: &mut __p::FieldWriter) {
            __p::Present::save(&<Self as __Fields>::F0, __fields, &self.r#type);
        }
        fn validate(&self) -> __p::core::result::Result<(), __p::Invalid> {
            __p::core::result::Result::Ok(())
        }
        fn debug_fields(&self, __out: &mut __p::core::fmt::DebugStruct<'_, '_>) {
            #[allow(unused_imports)]
            use __p::{ShowOpaque as _, ShowValue as _};
            __out.field("type", (&__p::Show(&self.r#type)).__show());
        }
    }
};
