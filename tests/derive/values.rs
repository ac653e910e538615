//! The functions that a user may name, and the values that a field may have.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use starsessions::value::OldValue;
use starsessions::{Session, SessionData};

use crate::names;

#[derive(Session)]
#[session(validate = checks::in_order)]
struct Range {
    from: u32,
    to: u32,
}

mod checks {
    use super::Range;

    pub(super) fn in_order(range: &Range) -> Result<(), String> {
        let Range { from, to } = range;
        if from <= to {
            Ok(())
        } else {
            Err(format!("{from} is after {to}"))
        }
    }
}

#[test]
fn the_function_of_the_struct_is_asked() {
    let range = |from, to| Range { from, to };
    assert!(range(1, 2).validate().is_ok());
    assert_eq!(
        range(2, 1).validate().unwrap_err().to_string(),
        "2 is after 1"
    );
}

/// Implements `Serialize` and `Deserialize`, and nothing else.
#[derive(Serialize, Deserialize)]
struct Bare;

impl Bare {
    fn check(&self) -> Result<(), Box<dyn std::error::Error>> {
        Ok(())
    }
}

#[derive(Debug)]
enum Lost {}

impl std::fmt::Display for Lost {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {}
    }
}

fn from_older<T: Default>(_: OldValue<'_>) -> Result<T, Lost> {
    Ok(T::default())
}

fn any<T>(_: &T) -> Result<(), &'static str> {
    Ok(())
}

fn not_empty(list: &[u8]) -> Result<(), String> {
    match list {
        [] => Err("empty".to_owned()),
        _ => Ok(()),
    }
}

const ROWS: u32 = 20;

#[derive(Session)]
#[expect(unused_qualifications, reason = "an `Option` may be written in full")]
struct Accepted {
    #[session(required, validate = Bare::check)]
    method: Bare,
    #[session(validate = any)]
    generic: Option<Bare>,
    #[session(validate = any::<u8>)]
    turbofish: u8,
    #[session(validate = not_empty)]
    slice: Vec<u8>,
    #[session(version = 3, migrate = from_older, codec = json, validate = not_empty)]
    json: Option<Vec<u8>>,
    #[session(codec = bincode, version = 1)]
    explicit: u8,
    #[session(default = ROWS)]
    constant: u32,
    #[session(default = if ROWS > 1 { [1; 4] } else { [2; 4] })]
    expression: [u8; 4],
    #[session(default = HashMap::<u8, u8>::from([(1, 2)]))]
    commas: HashMap<u8, u8>,
    #[session(default = Some(Duration::from_secs(1)))]
    whole_option: Option<Duration>,
    #[session(default = -1)]
    negative: i8,
    #[session(default = Self::first())]
    own_function: u8,
    nested: Option<Option<u8>>,
    absolute: ::std::option::Option<u8>,
    core: core::option::Option<u8>,
    map: BTreeMap<String, u8>,
}

impl Accepted {
    fn first() -> u8 {
        1
    }
}

#[test]
fn every_field_is_stored() {
    assert_eq!(names::<Accepted>().len(), 16);
}
