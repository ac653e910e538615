#[session(reject = "/login", validate = known, realm = "admin")]
pub struct Login {
    #[session(required, rotate, index, exclusive)]
    user: UserId,
    #[session(expires = "5m", idle = "60s", commit = always, secret)]
    proof: Option<Proof>,
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
    impl __Fields for Login {
        type F0 = __p::Present<UserId>;
        const F0: Self::F0 = __p::Present(
            __p::column::<
                UserId,
            >(__p::Stored {
                format: __p::Format::Bincode,
                version: 1u32,
                migrate: __p::core::option::Option::None,
                validate: __p::core::option::Option::None,
            }),
            __p::core::option::Option::None,
        );
        type F1 = __p::Optional<Proof>;
        const F1: Self::F1 = __p::Optional(
            __p::column::<
                Proof,
            >(__p::Stored {
                format: __p::Format::Bincode,
                version: 1u32,
                migrate: __p::core::option::Option::None,
                validate: __p::core::option::Option::None,
            }),
        );
    }
    #[automatically_derived]
    #[allow(deprecated, redundant_lifetimes, unused_qualifications)]
    impl __p::SessionData for Login {
        const SCHEMA: &'static __p::Schema = &__p::Schema {
            type_name: "Login",
            module: __p::core::module_path!(),
            realm: "admin",
            bound: false,
            reject: __p::core::option::Option::Some("/login"),
            fields: &[
                __p::FieldSpec {
                    name: "login.user",
                    aliases: &[],
                    version: 1u32,
                    field_type: __p::Column::field_type(&<Self as __Fields>::F0.0),
                    expires: __p::core::option::Option::None,
                    idle: __p::core::option::Option::None,
                    required: true,
                    rotate: true,
                    commit_always: false,
                    index: true,
                    flash: false,
                    merge: __p::Merge::Exclusive,
                },
                __p::FieldSpec {
                    name: "login.proof",
                    aliases: &[],
                    version: 1u32,
                    field_type: __p::Column::field_type(&<Self as __Fields>::F1.0),
                    expires: __p::core::option::Option::Some(
                        __p::core::time::Duration::from_secs(300u64),
                    ),
                    idle: __p::core::option::Option::Some(
                        __p::core::time::Duration::from_secs(60u64),
                    ),
                    required: false,
                    rotate: false,
                    commit_always: true,
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
                proof: __p::Optional::load(&<Self as __Fields>::F1, __fields, 1usize)?,
                user: __p::Present::load(&<Self as __Fields>::F0, __fields, 0usize)?,
            })
        }
        fn save(&self, __fields: &mut __p::FieldWriter) {
            __p::Present::save(&<Self as __Fields>::F0, __fields, &self.user);
            __p::Optional::save(&<Self as __Fields>::F1, __fields, &self.proof);
        }
        fn validate(&self) -> __p::core::result::Result<(), __p::Invalid> {
            __p::validate(self, |__value| __p::Verdict::verdict(known(__value)))
        }
        fn debug_fields(&self, __out: &mut __p::core::fmt::DebugStruct<'_, '_>) {
            #[allow(unused_imports)]
            use __p::{ShowOpaque as _, ShowValue as _};
            __out.field("user", (&__p::Show(&self.user)).__show());
            __out.field("proof", &__p::core::format_args!("<secret>"));
        }
    }
    #[automatically_derived]
    #[allow(deprecated, redundant_lifetimes, unused_qualifications)]
    impl __p::Indexed for Login {
        type Index = UserId;
        const SPEC: &'static __p::FieldSpec = __p::index_spec::<
            UserId,
        >(<Self as __p::SessionData>::SCHEMA, 0usize);
        const COLUMN: __p::Column<Self::Index> = <Self as __Fields>::F0.0;
    }
};
