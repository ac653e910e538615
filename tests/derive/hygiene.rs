//! The generated code in a scope whose names it must not use.

use starsessions::{Session, SessionData};

use crate::names;

/// A module in which no standard name is in scope and the crate names are taken.
mod bare {
    #![no_implicit_prelude]

    mod starsessions {}
    mod core {}
    mod std {}
    mod __p {}

    struct Some;
    struct None;
    struct Ok;
    struct Option;
    struct Result;
    struct Default;
    struct Vec;
    trait SessionData {}
    impl SessionData for Some {}

    /// Methods on every type, found before methods that take a reference.
    #[expect(dead_code, reason = "to be met by mistake")]
    trait Everything: ::std::marker::Sized {
        fn load(self) {}
        fn save(self) {}
        fn merge(self) {}
        fn show(self) {}
        fn field(self) {}
    }
    impl<T> Everything for T {}

    #[derive(::starsessions::Session)]
    #[session(reject = "/login", validate = any)]
    pub(super) struct Shop {
        #[session(required, rotate, validate = any)]
        user: u64,
        #[session(merge = sum, default = 1)]
        views: u64,
        #[session(merge = max, expires = "10m", idle = "1m")]
        best: ::std::option::Option<u8>,
        #[session(merge = newest, version = 2, migrate = from_v1)]
        page: ::std::string::String,
        #[session(skip)]
        scratch: ::std::vec::Vec<u8>,
        #[session(secret)]
        token: ::core::option::Option<u8>,
    }

    #[derive(::starsessions::Session)]
    pub(super) struct Generic<'a, T: ::std::clone::Clone, const N: usize> {
        values: ::std::vec::Vec<T>,
        name: ::std::borrow::Cow<'a, str>,
        #[session(skip)]
        size: [u8; N],
    }

    fn any<T>(_: &T) -> ::std::result::Result<(), &'static str> {
        ::std::result::Result::Ok(())
    }

    fn newest(_: &str, mine: &str, _: &str) -> ::std::string::String {
        ::std::borrow::ToOwned::to_owned(mine)
    }

    fn from_v1(
        _: ::starsessions::value::OldValue<'_>,
    ) -> ::std::result::Result<::std::string::String, &'static str> {
        ::std::result::Result::Err("gone")
    }

    impl ::std::default::Default for Generic<'_, u8, 2> {
        fn default() -> Self {
            Generic {
                values: ::std::vec::Vec::new(),
                name: ::std::borrow::Cow::Borrowed(""),
                size: [0; 2],
            }
        }
    }

    /// Uses the names above.
    pub(super) fn taken() -> usize {
        fn size<T: SessionData>(_: T) -> usize {
            ::std::mem::size_of::<(T, None, Ok, Option, Result, Default, Vec)>()
        }
        size(Some)
    }
}

#[test]
fn no_name_of_the_user_is_met() {
    assert_eq!(names::<bare::Shop>().len(), 5);
    assert_eq!(names::<bare::Generic<'static, u8, 3>>().len(), 2);
    assert_eq!(bare::taken(), 0);
}

/// Another crate may export the runtime under its own name.
mod reexport {
    pub(crate) mod web {
        pub(crate) use starsessions as sessions;
    }

    #[derive(web::sessions::Session)]
    #[session(crate = web::sessions)]
    pub(crate) struct Path {
        views: u64,
    }

    #[derive(web::sessions::Session)]
    #[session(crate = "crate::hygiene::reexport::web::sessions")]
    pub(crate) struct Text {
        views: u64,
    }
}

#[test]
fn the_runtime_is_found_elsewhere() {
    assert_eq!(names::<reexport::Path>(), ["path.views"]);
    assert_eq!(names::<reexport::Text>(), ["text.views"]);
}

/// Fragments of `macro_rules` arrive in invisible delimiters.
macro_rules! session {
    (
        $name:ident $(#[$meta:meta])* { $($field:ident: $ty:ty),* }
        $time:literal $policy:ident $check:path, $default:expr, $former:expr, $whole:ty
    ) => {
        #[derive(Session)]
        $(#[$meta])*
        #[session(validate = $check)]
        struct $name {
            $(#[session(expires = $time, merge = $policy, validate = $check)] $field: $ty,)*
            #[session(default = $default)]
            with_default: $whole,
            #[session(alias = $former)]
            maybe: $whole,
        }
    };
}

fn any<T>(_: &T) -> Result<(), String> {
    Ok(())
}

session! {
    Made #[session(namespace = "making")] { views: Option<u64>, stock: u64 }
    "10m" sum crate::hygiene::any, Some(1 + 1), ["earlier", "first"], Option<u8>
}

#[test]
fn a_macro_can_make_sessions() {
    let made = [
        "making.views",
        "making.stock",
        "making.with_default",
        "making.maybe",
    ];
    assert_eq!(names::<Made>(), made);
    let [.., maybe] = Made::SCHEMA.fields else {
        panic!("no fields");
    };
    assert_eq!(maybe.aliases, ["making.earlier", "making.first"]);
}

#[derive(Session)]
struct Configured {
    views: u64,
    #[cfg(not(test))]
    never: Missing,
    #[cfg(test)]
    always: u64,
    #[cfg_attr(test, session(rename = "attribute"))]
    renamed: u64,
    #[cfg_attr(not(test), session(nonsense))]
    plain: u64,
}

#[test]
fn what_is_configured_away_is_not_stored() {
    assert_eq!(
        names::<Configured>(),
        [
            "configured.views",
            "configured.always",
            "configured.attribute",
            "configured.plain"
        ]
    );
}

#[test]
fn a_struct_in_a_function_is_a_session() {
    #[derive(Session)]
    struct Local {
        views: u64,
    }
    assert_eq!(Local::SCHEMA.type_name, "Local");
}
