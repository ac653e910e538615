//! The output of `debug_fields`.

use std::fmt;

use serde::{Deserialize, Serialize};
use starsessions::{Session, SessionData};

#[derive(Serialize, Deserialize)]
struct Quiet;

#[derive(Session)]
struct Bank {
    owner: String,
    #[session(secret)]
    token: Option<String>,
    #[session(secret, rename = "pin")]
    code: u16,
    quiet: Option<Quiet>,
    #[session(skip)]
    attempt: u8,
    #[session(skip, secret)]
    password: Option<String>,
    r#type: char,
}

#[derive(Session)]
struct Generic<T> {
    value: Option<T>,
    number: u8,
}

#[test]
fn secrets_and_types_without_debug_are_not_shown() {
    let bank = Bank {
        owner: "Ada".to_owned(),
        token: Some("hunter2".to_owned()),
        code: 1234,
        quiet: Some(Quiet),
        attempt: 3,
        password: Some("hunter2".to_owned()),
        r#type: 'a',
    };
    assert_eq!(bank.password, bank.token);
    assert_eq!(
        shown(&bank),
        "Bank { owner: \"Ada\", token: <secret>, code: <secret>, quiet: .., attempt: 3, password: <secret>, type: 'a' }"
    );
}

/// The derive cannot know whether a type parameter implements `Debug`.
#[test]
fn a_parameter_is_not_shown() {
    let generic = Generic {
        value: Some(1_u8),
        number: 2,
    };
    assert_eq!(shown(&generic), "Generic { value: .., number: 2 }");
}

fn shown<T: SessionData>(data: &T) -> String {
    struct Show<'a, T>(&'a T);

    impl<T: SessionData> fmt::Debug for Show<'_, T> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let mut out = f.debug_struct(T::SCHEMA.type_name);
            self.0.debug_fields(&mut out);
            out.finish()
        }
    }

    format!("{:?}", Show(data))
}
