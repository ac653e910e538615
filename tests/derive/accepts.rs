use serde::{Deserialize, Serialize};
use starsessions::{OldValue, Session, ValueError};

#[derive(Serialize, Deserialize, Default, Clone, Debug)]
struct Item;

#[derive(Session)]
#[session(namespace = "everything", reject = "/login", validate = sane, realm = "admin")]
struct Everything {
    plain: Vec<Item>,
    #[session(default = 3)]
    three: u8,
    #[session(required, rotate, index, expires = "10m")]
    user: u64,
    #[session(idle = "15m")]
    maybe: Option<String>,
    #[session(merge = sum)]
    sum: u64,
    #[session(merge = max)]
    max: u64,
    #[session(merge = and)]
    and: bool,
    #[session(merge = longer)]
    mine: String,
    #[session(merge = sum)]
    opt: Option<i8>,
    #[session(exclusive, commit = always)]
    once: Option<u8>,
    #[session(validate = short, rename = "brief", alias = "long", alias = ["longer", "longest"])]
    text: String,
    #[session(version = 2, migrate = from_v1, codec = json)]
    r#type: u32,
    #[session(secret)]
    token: String,
    #[session(skip)]
    skipped: Item,
    #[session(skip, default = 5, secret)]
    five: u8,
}

fn sane(all: &Everything) -> Result<(), &'static str> {
    if all.three > 3 { Err("more") } else { Ok(()) }
}
fn longer(_: &str, a: &str, b: &str) -> String {
    if a.len() > b.len() { a } else { b }.to_owned()
}
fn short(s: &str) -> Result<(), String> {
    if s.len() < 5 {
        Ok(())
    } else {
        Err("long".into())
    }
}
fn from_v1(old: OldValue<'_>) -> Result<u32, ValueError> {
    Ok(old.decode::<u8>()?.into())
}

#[derive(Session)]
struct Generic<T: Clone = u8, const N: usize = 3>
where
    T: PartialEq,
{
    list: Vec<T>,
    one: Option<T>,
    #[session(required)]
    two: T,
}
