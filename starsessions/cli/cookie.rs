//! What a cookie is, and what it leads to.

use std::io::Read;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use starsessions::keys::{CookieKind, KeyId};
use starsessions::session::{InspectedCookie, InspectedField, InspectedSession};
use starsessions::{CookieStore, KeyRing, Lifetime, SessionLayer, SessionLayerBuilder};

use crate::failure::Failure;
use crate::keys::Keys;
use crate::output::Output;
use crate::store::{Layout, Place, with_store};
use crate::time;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Say what a cookie is: its kind, key, times and the names of its fields, never a value
    ///
    /// Reads a `Cookie` or `Set-Cookie` line or a bare value, from the standard input if it is not given: an
    /// argument stays in the shell's history.
    Explain(Explain),
}

#[derive(Args, Debug)]
pub(crate) struct Explain {
    /// The line or the value
    cookie: Option<String>,
    #[command(flatten)]
    keys: Keys,
    #[command(flatten)]
    realm: Realm,
    /// The cookie's name, where the line does not say it
    #[arg(long, value_name = "NAME", default_value = "__Host-Http-id")]
    name: String,
    /// The store of a session that is not in its cookie: sqlite:PATH, postgres://.., mysql://.., redis://..
    #[arg(
        long,
        value_name = "URL",
        env = "SESSION_STORE",
        hide_env_values = true
    )]
    store: Option<Place>,
    #[command(flatten)]
    layout: Layout,
}

/// Which layer of which application it is.
#[derive(Args, Debug)]
pub(crate) struct Realm {
    /// The layer's `audience`
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    audience: String,
    /// The layer's `realm`
    #[arg(
        long,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    realm: String,
}

impl Realm {
    pub(crate) fn apply(&self, builder: SessionLayerBuilder) -> SessionLayerBuilder {
        let builder = builder.lifetime(Lifetime::new(LONGEST_LIFE, LONGEST_LIFE));
        builder.audience(&*self.audience).realm(&*self.realm)
    }
}

pub(crate) async fn run(Command::Explain(explain): Command) -> Result<Output, Failure> {
    let text = match &explain.cookie {
        Some(text) => text.clone(),
        None => from_input()?,
    };
    let Some((name, value)) = find(&text) else {
        return Err(Failure::not_found(
            "this is no cookie of this library, or only a part of one; give the whole line, as in \
             `__Host-Http-id=BGF..`",
        ));
    };
    let Some((kind, key_id)) = CookieKind::of(value) else {
        return Err(Failure::not_found("this is no cookie of this library"));
    };
    let name = name.unwrap_or(&explain.name);
    let ring = explain.keys.read()?;
    let found = look(&explain, kind, name, value, ring.clone()).await?;
    Ok(shown(name, kind, key_id, &ring, found.as_ref()))
}

/// What a layer with these settings finds in the cookie; `None` if it holds no session, or the session is in a store
/// that was not named.
async fn look(
    explain: &Explain,
    kind: CookieKind,
    name: &str,
    value: &str,
    ring: KeyRing,
) -> Result<Option<InspectedCookie>, Failure> {
    let inspect = async |builder: SessionLayerBuilder| {
        let name = name.to_owned();
        let builder = explain
            .realm
            .apply(builder)
            .cookie(|cookie| cookie.name(name));
        // Fails, for example, for a name whose prefix demands other attributes.
        let layer = builder.build().map_err(Failure::failed)?;
        Ok::<_, Failure>(Some(layer.inspect(value).await?))
    };
    match (kind, &explain.store) {
        (CookieKind::Sealed, _) => {
            inspect(SessionLayer::builder(CookieStore::sealed(), ring)).await
        }
        (CookieKind::Signed, _) => {
            inspect(SessionLayer::builder(CookieStore::signed(), ring)).await
        }
        (CookieKind::Stored, Some(place)) => {
            let open = place.open(&explain.layout).await?;
            with_store!(open, store => inspect(SessionLayer::builder(store, ring)).await)
        }
        _ => Ok(None),
    }
}

fn shown(
    name: &str,
    kind: CookieKind,
    key_id: KeyId,
    ring: &KeyRing,
    found: Option<&InspectedCookie>,
) -> Output {
    let (kind, about) = match kind {
        CookieKind::Stored => ("stored", "a session in a store"),
        CookieKind::Sealed => ("sealed", "a session in its cookie, encrypted"),
        CookieKind::Signed => ("signed", "a session in its cookie, readable by its holder"),
        CookieKind::Flow => ("flow", "an attempt to sign in at another site"),
        CookieKind::Device => (
            "device",
            "the short cookie of a session that is bound to a device",
        ),
        _ => ("other", "a cookie that this command does not know"),
    };
    let key = match ring.key_ids().position(|known| known == key_id) {
        Some(0) => "active",
        Some(_) => "accepted",
        None => "unknown",
    };
    let session = found.and_then(|found| found.session.as_ref());
    let refused = found.and_then(|found| found.refused.as_deref());
    let mut output = Output::new(json!({
        "name": name,
        "kind": kind,
        "key_id": key_id.to_string(),
        "key": key,
        "session": session.map(session_as_json),
        "refused": refused,
    }));
    output = output
        .about("cookie", name)
        .about("kind", format_args!("{kind}: {about}"))
        .about("key", format_args!("{key_id}, {key}"));
    if let Some(refused) = refused {
        output = output.about("refused", refused);
    }
    match session {
        Some(session) => session_as_text(output, session),
        None if refused.is_some() => output.not_found(),
        None if kind == "stored" && key == "unknown" => output.line(UNKNOWN_KEY).not_found(),
        None if kind == "stored" => {
            output.line("The session is in its store: name it with `--store URL`.")
        }
        None => output,
    }
}

fn session_as_text(mut output: Output, session: &InspectedSession) -> Output {
    output = output
        .about("began", time::text(session.created_at))
        .about("id since", time::text(session.issued_at))
        .about("last used", time::text(session.last_seen_at))
        .about("ends", time::text(session.expires_at))
        .about("revision", session.revision);
    for (holds, what) in [
        (session.remembered, "remembered"),
        (session.bound, "bound to a device"),
        (
            session.renewed,
            "renewed: the browser is about to hear of a newer id",
        ),
    ] {
        if holds {
            output = output.line(what);
        }
    }
    for field in &session.fields {
        let mut about = format!("{} bytes", field.bytes);
        if let Some(version) = field.version {
            about.push_str(&format!(", version {version}"));
        }
        if field.indexed {
            about.push_str(", index");
        }
        if let Some(end) = field.ends_at {
            about.push_str(&format!(", ends {}", time::text(end)));
        }
        output = output.about("field", format_args!("{}: {about}", field.name));
    }
    output
}

fn session_as_json(session: &InspectedSession) -> Value {
    let field = |field: &InspectedField| {
        json!({
            "name": field.name,
            "bytes": field.bytes,
            "version": field.version,
            "ends_at": field.ends_at,
            "indexed": field.indexed,
        })
    };
    json!({
        "created_at": session.created_at,
        "issued_at": session.issued_at,
        "last_seen_at": session.last_seen_at,
        "expires_at": session.expires_at,
        "revision": session.revision,
        "remembered": session.remembered,
        "bound": session.bound,
        "renewed": session.renewed,
        "fields": session.fields.iter().map(field).collect::<Vec<_>>(),
    })
}

/// The first cookie of this library in a line, with its name if the line says it.
fn find(text: &str) -> Option<(Option<&str>, &str)> {
    let mut line = text.trim();
    for header in ["set-cookie:", "cookie:"] {
        let start = line.get(..header.len());
        if start.is_some_and(|start| start.eq_ignore_ascii_case(header)) {
            line = line.get(header.len()..)?;
            break;
        }
    }
    line.split([';', '\n']).find_map(|pair| {
        let (name, value) = match pair.trim().split_once('=') {
            Some((name, value)) => (Some(name.trim()), value.trim().trim_matches('"')),
            None => (None, pair.trim()),
        };
        CookieKind::of(value).map(|_| (name, value))
    })
}

/// More than a header can hold is not read.
fn from_input() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let read = std::io::stdin().take(LONGEST).read_to_end(&mut bytes);
    read.map_err(|error| Failure::failed(format!("the standard input cannot be read: {error}")))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// As long as a session can live. The command does not know the timeouts of the application; the
/// deadline that is stored in the session applies.
const LONGEST_LIFE: Duration = Duration::from_secs(400 * 24 * 3_600);

const LONGEST: u64 = 64 * 1024;

const UNKNOWN_KEY: &str =
    "No key of the ring has made it: give the keys of the deployment that has set the cookie.";

#[cfg(test)]
mod tests {
    use super::*;

    /// The frame of a cookie that leads to a session in a store.
    fn value() -> String {
        "BGFh".to_owned() + &"YWFh".repeat(11) + "YQ"
    }

    #[test]
    fn a_cookie_is_found_in_whatever_line_it_is_in() {
        let value = value();
        for (line, name) in [
            (value.clone(), None),
            (format!("id={value}"), Some("id")),
            (format!("Cookie: a=b; id={value}; c=d\r\n"), Some("id")),
            (
                format!("set-cookie: id={value}; Path=/; Secure"),
                Some("id"),
            ),
            (format!("  id=\"{value}\"\n"), Some("id")),
        ] {
            assert_eq!(find(&line), Some((name, &*value)), "{line}");
        }
        for other in [
            "",
            "id=",
            "=",
            "Cookie:",
            "id=6f1c8b0e; theme=dark",
            "\u{fffd}\0",
        ] {
            assert_eq!(find(other), None, "{other}");
        }
    }
}
