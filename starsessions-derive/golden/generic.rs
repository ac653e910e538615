struct Page<'a, T: Clone = u8, const N: usize = 3>
where
    T: Item,
{
    items: Vec<T>,
    first: Option<T>,
    #[session(merge = append)]
    seen: Vec<T::Id>,
    title: Cow<'a, str>,
    #[session(skip)]
    cache: [Cache<T>; N],
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
    }
    #[automatically_derived]
    #[allow(deprecated, redundant_lifetimes, unused_qualifications)]
    impl<'a, T: Clone, const N: usize> __Fields for Page<'a, T, N>
    where
        T: Item,
        Self: __p::core::marker::Send + __p::core::marker::Sync + 'static,
        Vec<T>: __p::Value,
        Vec<T>: __p::core::default::Default,
        T: __p::Value,
        Vec<T::Id>: __p::Value,
        Vec<T::Id>: __p::core::default::Default,
        Vec<T::Id>: __p::Append,
        [Cache<T>; N]: __p::core::default::Default,
    {
        type F0 = __p::Present<Vec<T>>;
        const F0: Self::F0 = __p::Present(
            __p::column::<
                Vec<T>,
            >(__p::Stored {
                format: __p::Format::Bincode,
                version: 1u32,
                migrate: __p::core::option::Option::None,
                validate: __p::core::option::Option::None,
            }),
            __p::core::option::Option::Some(|| __p::default_of::<Vec<T>>()),
        );
        type F1 = __p::Optional<T>;
        const F1: Self::F1 = __p::Optional(
            __p::column::<
                T,
            >(__p::Stored {
                format: __p::Format::Bincode,
                version: 1u32,
                migrate: __p::core::option::Option::None,
                validate: __p::core::option::Option::None,
            }),
        );
        type F2 = __p::Present<Vec<T::Id>>;
        const F2: Self::F2 = __p::Present(
            __p::column::<
                Vec<T::Id>,
            >(__p::Stored {
                format: __p::Format::Bincode,
                version: 1u32,
                migrate: __p::core::option::Option::None,
                validate: __p::core::option::Option::None,
            }),
            __p::core::option::Option::Some(|| __p::default_of::<Vec<T::Id>>()),
        );
        type F3 = __p::Present<Cow<'a, str>>;
        const F3: Self::F3 = __p::Present(
            __p::column::<
                Cow<'a, str>,
            >(__p::Stored {
                format: __p::Format::Bincode,
                version: 1u32,
                migrate: __p::core::option::Option::None,
                validate: __p::core::option::Option::None,
            }),
            __p::core::option::Option::Some(|| __p::default_of::<Cow<'a, str>>()),
        );
    }
    #[automatically_derived]
    #[allow(deprecated, redundant_lifetimes, unused_qualifications)]
    impl<'a, T: Clone, const N: usize> __p::SessionData for Page<'a, T, N>
    where
        T: Item,
        Self: __p::core::marker::Send + __p::core::marker::Sync + 'static,
        Vec<T>: __p::Value,
        Vec<T>: __p::core::default::Default,
        T: __p::Value,
        Vec<T::Id>: __p::Value,
        Vec<T::Id>: __p::core::default::Default,
        Vec<T::Id>: __p::Append,
        [Cache<T>; N]: __p::core::default::Default,
    {
        const SCHEMA: &'static __p::Schema = &__p::Schema {
            type_name: "Page",
            module: __p::core::module_path!(),
            realm: "",
            bound: false,
            reject: __p::core::option::Option::None,
            fields: &[
                __p::FieldSpec {
                    name: "page.items",
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
                    name: "page.first",
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
                    name: "page.seen",
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
                    merge: __p::Merge::With(|__base, __mine, __theirs| {
                        __p::Present::merge(
                            &<Self as __Fields>::F2,
                            <Vec<T::Id> as __p::Append>::append,
                            __base,
                            __mine,
                            __theirs,
                        )
                    }),
                },
                __p::FieldSpec {
                    name: "page.title",
                    aliases: &[],
                    version: 1u32,
                    field_type: __p::Column::field_type(&<Self as __Fields>::F3.0),
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
                cache: __p::default_of::<[Cache<T>; N]>(),
                first: __p::Optional::load(&<Self as __Fields>::F1, __fields, 1usize)?,
                items: __p::Present::load(&<Self as __Fields>::F0, __fields, 0usize)?,
                seen: __p::Present::load(&<Self as __Fields>::F2, __fields, 2usize)?,
                title: __p::Present::load(&<Self as __Fields>::F3, __fields, 3usize)?,
            })
        }
        fn save(&self, __fields: &mut __p::FieldWriter) {
            __p::Present::save(&<Self as __Fields>::F0, __fields, &self.items);
            __p::Optional::save(&<Self as __Fields>::F1, __fields, &self.first);
            __p::Present::save(&<Self as __Fields>::F2, __fields, &self.seen);
            __p::Present::save(&<Self as __Fields>::F3, __fields, &self.title);
        }
        fn validate(&self) -> __p::core::result::Result<(), __p::Invalid> {
            __p::core::result::Result::Ok(())
        }
        fn debug_fields(&self, __out: &mut __p::core::fmt::DebugStruct<'_, '_>) {
            #[allow(unused_imports)]
            use __p::{ShowOpaque as _, ShowValue as _};
            __out.field("items", (&__p::Show(&self.items)).__show());
            __out.field("first", (&__p::Show(&self.first)).__show());
            __out.field("seen", (&__p::Show(&self.seen)).__show());
            __out.field("title", (&__p::Show(&self.title)).__show());
            __out.field("cache", (&__p::Show(&self.cache)).__show());
        }
    }
};
