//! Where the shop keeps its sessions: for each store, the line or two that it takes.

use std::error::Error;
use std::path::{Path, PathBuf};

use starsessions::store::Backend;
use starsessions::{CookieStore, KeyRing, MemoryStore, SessionLayer, SqliteStore};

/// The layer for what the command line says.
pub(super) async fn layer(choice: &str, folder: &Path) -> Result<SessionLayer, Box<dyn Error>> {
    let (kind, place) = choice.split_once('=').unwrap_or((choice, ""));
    match kind {
        "memory" => finish(MemoryStore::new(), folder),
        "cookie" => {
            let ended = MemoryStore::new();
            finish(CookieStore::sealed().revoked_in(ended), folder)
        }
        "sqlite" => {
            let file = match place {
                "" => in_folder(folder, "sessions.db")?,
                file => PathBuf::from(file),
            };
            finish(SqliteStore::open(file)?, folder)
        }
        #[cfg(feature = "postgres")]
        "postgres" => {
            let store = starsessions::PostgresStore::new(sqlx::PgPool::connect(place).await?);
            store.migrate().await?;
            finish(store, folder)
        }
        #[cfg(feature = "mysql")]
        "mysql" => {
            let store = starsessions::MySqlStore::new(sqlx::MySqlPool::connect(place).await?);
            store.migrate().await?;
            finish(store, folder)
        }
        #[cfg(feature = "redis")]
        "redis" => {
            let client = redis::Client::open(place)?;
            finish(starsessions::RedisStore::connect(client).await?, folder)
        }
        _ => Err(format!("there is no store `{kind}` here; {STORES}").into()),
    }
}

/// `dev` is for http://localhost; behind TLS it is `SessionLayer::new`.
fn finish(store: impl Backend, folder: &Path) -> Result<SessionLayer, Box<dyn Error>> {
    Ok(SessionLayer::dev(store, keys(folder)?))
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

pub(super) const STORES: &str = "take memory, cookie or sqlite[=FILE]; and, where the feature of that name is on, \
    postgres=URL, mysql=URL or redis=URL";
