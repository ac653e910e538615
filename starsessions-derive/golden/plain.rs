struct Shop {
    cart: Vec<Item>,
    coupon: Option<Coupon>,
    #[session(default = 1)]
    quantity: u32,
}

// ------------------------------------------------------------ expands to

const _: () = {
    use ::starsessions::__private as __p;
    trait __Fields {
        type F0;
        const F0: Self::F0;
        type F1;
        const F1: Self::F1;
        type F2;
        const F2: Self::F2;
    }
    #[automatically_derived]
    #[allow(deprecated, redundant_lifetimes, unused_qualifications)]
    impl __Fields for Shop {
        type F0 = __p::Present<Vec<Item>>;
        const F0: Self::F0 = __p::Present(
            __p::column::<
                Vec<Item>,
            >(__p::Stored {
                format: __p::Format::Bincode,
                version: 1u32,
                migrate: __p::core::option::Option::None,
                validate: __p::core::option::Option::None,
            }),
            __p::core::option::Option::Some(|| __p::default_of::<Vec<Item>>()),
        );
        type F1 = __p::Optional<Coupon>;
        const F1: Self::F1 = __p::Optional(
            __p::column::<
                Coupon,
            >(__p::Stored {
                format: __p::Format::Bincode,
                version: 1u32,
                migrate: __p::core::option::Option::None,
                validate: __p::core::option::Option::None,
            }),
        );
        type F2 = __p::Present<u32>;
        const F2: Self::F2 = __p::Present(
            __p::column::<
                u32,
            >(__p::Stored {
                format: __p::Format::Bincode,
                version: 1u32,
                migrate: __p::core::option::Option::None,
                validate: __p::core::option::Option::None,
            }),
            __p::core::option::Option::Some(|| 1),
        );
    }
    #[automatically_derived]
    #[allow(deprecated, redundant_lifetimes, unused_qualifications)]
    impl __p::SessionData for Shop {
        const SCHEMA: &'static __p::Schema = &__p::Schema {
            type_name: "Shop",
            module: __p::core::module_path!(),
            realm: "",
            bound: false,
            reject: __p::core::option::Option::None,
            fields: &[
                __p::FieldSpec {
                    name: "shop.cart",
                    aliases: &[],
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
                    name: "shop.coupon",
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
                __p::FieldSpec {
                    name: "shop.quantity",
                    aliases: &[],
                    version: 1u32,
                    field_type: __p::Column::field_type(&<Self as __Fields>::F2.0),
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
                cart: __p::Present::load(&<Self as __Fields>::F0, __fields, 0usize)?,
                coupon: __p::Optional::load(&<Self as __Fields>::F1, __fields, 1usize)?,
                quantity: __p::Present::load(&<Self as __Fields>::F2, __fields, 2usize)?,
            })
        }
        fn save(&self, __fields: &mut __p::FieldWriter) {
            __p::Present::save(&<Self as __Fields>::F0, __fields, &self.cart);
            __p::Optional::save(&<Self as __Fields>::F1, __fields, &self.coupon);
            __p::Present::save(&<Self as __Fields>::F2, __fields, &self.quantity);
        }
        fn validate(&self) -> __p::core::result::Result<(), __p::Invalid> {
            __p::core::result::Result::Ok(())
        }
        fn debug_fields(&self, __out: &mut __p::core::fmt::DebugStruct<'_, '_>) {
            #[allow(unused_imports)]
            use __p::{ShowOpaque as _, ShowValue as _};
            __out.field("cart", (&__p::Show(&self.cart)).__show());
            __out.field("coupon", (&__p::Show(&self.coupon)).__show());
            __out.field("quantity", (&__p::Show(&self.quantity)).__show());
        }
    }
};
