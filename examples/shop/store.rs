//! Where the shop keeps its sessions: the one line that another store takes, for each store.

use std::error::Error;
use std::path::{Path, PathBuf};

use starsessions::{CookieStore, KeyRing, MemoryStore, SessionLayer, SqliteStore};

/// The layer for what the command line says.
pub(super) fn layer(choice: &str, folder: &Path) -> Result<SessionLayer, Box<dyn Error>> {
    let (kind, place) = choice.split_once('=').unwrap_or((choice, ""));
    // `dev` is for http://localhost; behind TLS it is `SessionLayer::new`.
    Ok(match kind {
        "memory" => SessionLayer::dev(MemoryStore::new(), keys(folder)?),
        "cookie" => {
            let ended = MemoryStore::new();
            SessionLayer::dev(CookieStore::sealed().revoked_in(ended), keys(folder)?)
        }
        "sqlite" => {
            let file = match place {
                "" => in_folder(folder, "sessions.db")?,
                file => PathBuf::from(file),
            };
            SessionLayer::dev(SqliteStore::open(file)?, keys(folder)?)
        }
        _ => return Err(format!("there is no store `{kind}`; {STORES}").into()),
    })
}

/// The keys of the environment, or those in a file beside the sessions, so that a restart keeps
/// everybody signed in.
fn keys(folder: &Path) -> Result<KeyRing, Box<dyn Error>> {
    if std::env::var_os("SESSION_KEYS").is_some() {
        return Ok(KeyRing::from_env("SESSION_KEYS")?);
    }
    Ok(KeyRing::from_file_or_new(in_folder(folder, "keys")?)?)
}

fn in_folder(folder: &Path, name: &str) -> std::io::Result<PathBuf> {
    std::fs::create_dir_all(folder)?;
    Ok(folder.join(name))
}

pub(super) const STORES: &str = "take memory, cookie or sqlite[=FILE]";
