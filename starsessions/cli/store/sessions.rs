//! The sessions of a store: counted, listed by a value, ended.

use clap::{Args, ValueEnum};
use serde::ser::{Serialize, Serializer};
use serde_json::json;
use starsessions::SessionLayer;
use starsessions::config::{Clock, SystemClock};
use starsessions::session::{ListedSession, PublicSessionId};

use super::{Target, with_store};
use crate::cookie::Realm;
use crate::failure::Failure;
use crate::keys::Keys;
use crate::output::Output;
use crate::time;

#[derive(Args, Debug)]
pub(crate) struct List {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    index: Search,
    #[command(flatten)]
    owner: Owner,
}

#[derive(Args, Debug)]
pub(crate) struct Revoke {
    #[command(flatten)]
    target: Target,
    #[command(flatten)]
    index: Search,
    #[command(flatten)]
    owner: Owner,
    /// End this session alone, by the id that `store list` shows
    #[arg(long, value_name = "ID")]
    only: Option<PublicSessionId>,
}

/// The field and the value to search for; the store sees only keyed hashes of them.
#[derive(Args, Debug)]
struct Search {
    /// The stored name of the field that is marked `index`, as `login.user`
    #[arg(long, value_name = "FIELD", requires = "value")]
    index: Option<String>,
    /// Its value
    #[arg(
        long,
        value_name = "VALUE",
        requires = "index",
        allow_hyphen_values = true
    )]
    value: Option<String>,
    /// The type of the field; of a newtype, what is inside
    #[arg(long = "type", value_name = "TYPE", default_value = "text")]
    kind: Kind,
}

/// Whose sessions they are.
#[derive(Args, Debug)]
pub(crate) struct Owner {
    #[command(flatten)]
    keys: Keys,
    #[command(flatten)]
    realm: Realm,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    /// String, Box<str>
    Text,
    /// u16 to u128
    Unsigned,
    /// i16 to i128
    Signed,
    /// `Uuid` of the crate `uuid`
    Uuid,
}

pub(crate) async fn list(list: &List) -> Result<Output, Failure> {
    let Some(index) = list.index.parse()? else {
        return count(&list.target).await;
    };
    let layer = layer(&list.target, &list.owner).await?;
    let listed = layer.list_by(index.field, &index.value).await?;
    if listed.is_empty() {
        return Ok(Output::new(json!({ "sessions": [] }))
            .line(index.nothing())
            .not_found());
    }
    let mut output = Output::new(json!({ "sessions": listed }));
    for session in &listed {
        output = output.line(line_of(session));
    }
    Ok(output)
}

pub(crate) async fn revoke(revoke: &Revoke) -> Result<Output, Failure> {
    let Some(index) = revoke.index.parse()? else {
        return Err(Failure::usage(
            "which sessions are meant? say it with `--index FIELD --value VALUE`",
        ));
    };
    let layer = layer(&revoke.target, &revoke.owner).await?;
    let ended = layer.revoke_by(index.field, &index.value, revoke.only);
    let ended = ended.await?;
    let output = Output::new(json!({ "ended": ended }));
    if ended == 0 {
        return Ok(output.line(index.nothing()).not_found());
    }
    Ok(output.about("ended", ended))
}

async fn count(target: &Target) -> Result<Output, Failure> {
    let counts = target.open().await?.count(SystemClock.now()).await?;
    Ok(Output::new(json!({
        "live": counts.live,
        "signed_in": counts.signed_in,
        "used_within_hour": counts.used_within_hour,
        "used_within_day": counts.used_within_day,
        "used_within_week": counts.used_within_week,
        "expired": counts.expired,
    }))
    .about("live", counts.live)
    .about("signed in", counts.signed_in)
    .about("used in 1 h", counts.used_within_hour)
    .about("used in 1 d", counts.used_within_day)
    .about("used in 7 d", counts.used_within_week)
    .about("expired", counts.expired))
}

async fn layer(target: &Target, owner: &Owner) -> Result<SessionLayer, Failure> {
    let keys = owner.keys.read()?;
    let open = target.open().await?;
    let builder = with_store!(open, store => SessionLayer::builder(store, keys));
    let layer = owner.realm.apply(builder).build();
    layer.map_err(Failure::failed)
}

fn line_of(session: &ListedSession) -> String {
    let mut line = format!(
        "{}  last used {}  began {}  ends {}",
        session.id,
        time::text(session.last_seen_at),
        time::text(session.created_at),
        time::text(session.expires_at),
    );
    for (holds, what) in [(session.remembered, "remembered"), (session.bound, "bound")] {
        if holds {
            line.push_str("  ");
            line.push_str(what);
        }
    }
    if let Some(label) = session.label() {
        line.push_str(&format!("  “{label}”"));
    }
    line
}

impl Search {
    /// `None` where all sessions are meant.
    fn parse(&self) -> Result<Option<Index<'_>>, Failure> {
        let (Some(field), Some(value)) = (self.index.as_deref(), &self.value) else {
            return Ok(None);
        };
        let wrong = |kind: &str| {
            Failure::failed(format!(
                "the value is not {kind}; look at the type of `{field}`, and give it with `--type`"
            ))
        };
        let value = match self.kind {
            Kind::Text => Value::Text(value.clone()),
            Kind::Unsigned => {
                Value::Unsigned(value.parse().map_err(|_| wrong("an unsigned number"))?)
            }
            Kind::Signed => Value::Signed(value.parse().map_err(|_| wrong("a number"))?),
            Kind::Uuid => Value::Uuid(uuid(value).ok_or_else(|| wrong("a UUID"))?),
        };
        Ok(Some(Index { field, value }))
    }
}

/// A field and a value of its type.
struct Index<'a> {
    field: &'a str,
    value: Value,
}

impl Index<'_> {
    fn nothing(&self) -> String {
        format!(
            "No session has this value in `{}`. The keys, `--type`, and the layer's `--audience` and `--realm` are \
             part of the search: are they the application's?",
            self.field
        )
    }
}

/// A value as a field of its type is stored.
enum Value {
    Text(String),
    Unsigned(u128),
    Signed(i128),
    Uuid([u8; 16]),
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Unsigned(number) => serializer.serialize_u128(*number),
            Self::Signed(number) => serializer.serialize_i128(*number),
            Self::Uuid(bytes) => serializer.serialize_bytes(bytes),
        }
    }
}

fn uuid(text: &str) -> Option<[u8; 16]> {
    let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'-').collect();
    if digits.len() != 32 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let number = std::str::from_utf8(&digits).ok()?;
    Some(u128::from_str_radix(number, 16).ok()?.to_be_bytes())
}
