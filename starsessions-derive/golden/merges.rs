struct Counters {
    #[session(merge = sum)]
    views: u64,
    #[session(merge = max)]
    best: Option<u32>,
    #[session(required, merge = policies::newest)]
    last: Page,
    #[session(flash)]
    notice: Option<String>,
    #[session(flash)]
    errors: Vec<String>,
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
        type F3;
        const F3: Self::F3;
        type F4;
        const F4: Self::F4;
    }
    #[automatically_derived]
    #[allow(deprecated, redundant_lifetimes, unused_qualifications)]
    impl __Fields for Counters {
        type F0 = __p::Present<u64>;
        const F0: Self::F0 = __p::Present(
            __p::column::<
                u64,
            >(__p::Stored {
                format: __p::Format::Bincode,
                version: 1u32,
                migrate: __p::core::option::Option::None,
                validate: __p::core::option::Option::None,
            }),
            __p::core::option::Option::Some(|| __p::default_of::<u64>()),
        );
        type F1 = __p::Optional<u32>;
        const F1: Self::F1 = __p::Optional(
            __p::column::<
                u32,
            >(__p::Stored {
                format: __p::Format::Bincode,
                version: 1u32,
                migrate: __p::core::option::Option::None,
                validate: __p::core::option::Option::None,
            }),
        );
        type F2 = __p::Present<Page>;
        const F2: Self::F2 = __p::Present(
            __p::column::<
                Page,
            >(__p::Stored {
                format: __p::Format::Bincode,
                version: 1u32,
                migrate: __p::core::option::Option::None,
                validate: __p::core::option::Option::None,
            }),
            __p::core::option::Option::None,
        );
        type F3 = __p::Optional<String>;
        const F3: Self::F3 = __p::Optional(
            __p::column::<
                String,
            >(__p::Stored {
                format: __p::Format::Bincode,
                version: 1u32,
                migrate: __p::core::option::Option::None,
                validate: __p::core::option::Option::None,
            }),
        );
        type F4 = __p::Present<Vec<String>>;
        const F4: Self::F4 = __p::Present(
            __p::column::<
                Vec<String>,
            >(__p::Stored {
                format: __p::Format::Bincode,
                version: 1u32,
                migrate: __p::core::option::Option::None,
                validate: __p::core::option::Option::None,
            }),
            __p::core::option::Option::Some(|| __p::default_of::<Vec<String>>()),
        );
    }
    #[automatically_derived]
    #[allow(deprecated, redundant_lifetimes, unused_qualifications)]
    impl __p::SessionData for Counters {
        const SCHEMA: &'static __p::Schema = &__p::Schema {
            type_name: "Counters",
            module: __p::core::module_path!(),
            realm: "",
            bound: false,
            reject: __p::core::option::Option::None,
            fields: &[
                __p::FieldSpec {
                    name: "counters.views",
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
                    merge: __p::Merge::With(|__base, __mine, __theirs| {
                        __p::Present::merge(
                            &<Self as __Fields>::F0,
                            <u64 as __p::Sum>::sum,
                            __base,
                            __mine,
                            __theirs,
                        )
                    }),
                },
                __p::FieldSpec {
                    name: "counters.best",
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
                    merge: __p::Merge::With(|__base, __mine, __theirs| {
                        __p::Optional::merge(
                            &<Self as __Fields>::F1,
                            <Option<u32> as __p::Order>::max,
                            __base,
                            __mine,
                            __theirs,
                        )
                    }),
                },
                __p::FieldSpec {
                    name: "counters.last",
                    aliases: &[],
                    version: 1u32,
                    field_type: __p::Column::field_type(&<Self as __Fields>::F2.0),
                    expires: __p::core::option::Option::None,
                    idle: __p::core::option::Option::None,
                    required: true,
                    rotate: false,
                    commit_always: false,
                    index: false,
                    flash: false,
                    merge: __p::Merge::With(|__base, __mine, __theirs| {
                        __p::Present::merge(
                            &<Self as __Fields>::F2,
                            |__base, __mine, __theirs| policies::newest(
                                __base,
                                __mine,
                                __theirs,
                            ),
                            __base,
                            __mine,
                            __theirs,
                        )
                    }),
                },
                __p::FieldSpec {
                    name: "counters.notice",
                    aliases: &[],
                    version: 1u32,
                    field_type: __p::Column::field_type(&<Self as __Fields>::F3.0),
                    expires: __p::core::option::Option::None,
                    idle: __p::core::option::Option::None,
                    required: false,
                    rotate: false,
                    commit_always: false,
                    index: false,
                    flash: true,
                    merge: __p::Merge::With(__p::merge_flash),
                },
                __p::FieldSpec {
                    name: "counters.errors",
                    aliases: &[],
                    version: 1u32,
                    field_type: __p::Column::field_type(&<Self as __Fields>::F4.0),
                    expires: __p::core::option::Option::None,
                    idle: __p::core::option::Option::None,
                    required: false,
                    rotate: false,
                    commit_always: false,
                    index: false,
                    flash: true,
                    merge: __p::Merge::With(|__base, __mine, __theirs| {
                        __p::Present::merge(
                            &<Self as __Fields>::F4,
                            <Vec<String> as __p::Flash>::flash,
                            __base,
                            __mine,
                            __theirs,
                        )
                    }),
                },
            ],
        };
        fn load(
            __fields: &mut __p::FieldReader<'_>,
        ) -> __p::core::result::Result<Self, __p::Absent> {
            __p::core::result::Result::Ok(Self {
                best: __p::Optional::load(&<Self as __Fields>::F1, __fields, 1usize)?,
                errors: __p::Present::load(&<Self as __Fields>::F4, __fields, 4usize)?,
                last: __p::Present::load(&<Self as __Fields>::F2, __fields, 2usize)?,
                notice: __p::Optional::load(&<Self as __Fields>::F3, __fields, 3usize)?,
                views: __p::Present::load(&<Self as __Fields>::F0, __fields, 0usize)?,
            })
        }
        fn save(&self, __fields: &mut __p::FieldWriter) {
            __p::Present::save(&<Self as __Fields>::F0, __fields, &self.views);
            __p::Optional::save(&<Self as __Fields>::F1, __fields, &self.best);
            __p::Present::save(&<Self as __Fields>::F2, __fields, &self.last);
            __p::Optional::save(&<Self as __Fields>::F3, __fields, &self.notice);
            __p::Present::save(&<Self as __Fields>::F4, __fields, &self.errors);
        }
        fn validate(&self) -> __p::core::result::Result<(), __p::Invalid> {
            __p::core::result::Result::Ok(())
        }
        fn debug_fields(&self, __out: &mut __p::core::fmt::DebugStruct<'_, '_>) {
            #[allow(unused_imports)]
            use __p::{ShowOpaque as _, ShowValue as _};
            __out.field("views", (&__p::Show(&self.views)).__show());
            __out.field("best", (&__p::Show(&self.best)).__show());
            __out.field("last", (&__p::Show(&self.last)).__show());
            __out.field("notice", (&__p::Show(&self.notice)).__show());
            __out.field("errors", (&__p::Show(&self.errors)).__show());
        }
    }
};
