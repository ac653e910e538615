//! Builds the store for the shop's sessions.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use starsessions::store::Backend;
use starsessions::{CookieStore, KeyRing, MemoryStore, SessionLayer, SqliteStore};

/// A store that the command line can select.
#[derive(Clone, Debug)]
pub(super) enum Store {
    Memory,
    Cookie,
    /// In this file, or in a file beside the keys.
    Sqlite(Option<PathBuf>),
    #[cfg(feature = "postgres")]
    Postgres(String),
    #[cfg(feature = "mysql")]
    MySql(String),
    #[cfg(feature = "redis")]
    Redis(String),
}

impl Store {
    /// Builds the session layer on this store, with keys in `folder`.
    pub(super) async fn layer(
        self,
        folder: &Path,
        tls: bool,
    ) -> Result<SessionLayer, Box<dyn Error>> {
        match self {
            Self::Memory => finish(MemoryStore::new(), folder, tls),
            Self::Cookie => {
                let ended = MemoryStore::new();
                let store = CookieStore::sealed().revoked_in(ended);
                // A session in a cookie cannot be bound to a device.
                let cookie = SessionLayer::builder(store, keys(folder)?).explain(true);
                let cookie = if tls {
                    cookie
                } else {
                    cookie.local_development()
                };
                Ok(cookie.build()?)
            }
            Self::Sqlite(file) => {
                let beside_the_keys = in_folder(folder, "sessions.db")?;
                finish(
                    SqliteStore::open(file.unwrap_or(beside_the_keys))?,
                    folder,
                    tls,
                )
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(url) => {
                let store = starsessions::PostgresStore::new(
                    sqlx::PgPool::connect(&url)
                        .await
                        .map_err(|error| unreachable(&error))?,
                );
                store.migrate().await?;
                finish(store, folder, tls)
            }
            #[cfg(feature = "mysql")]
            Self::MySql(url) => {
                let store = starsessions::MySqlStore::new(
                    sqlx::MySqlPool::connect(&url)
                        .await
                        .map_err(|error| unreachable(&error))?,
                );
                store.migrate().await?;
                finish(store, folder, tls)
            }
            #[cfg(feature = "redis")]
            Self::Redis(url) => {
                let client = redis::Client::open(url)?;
                finish(
                    starsessions::RedisStore::connect(client).await?,
                    folder,
                    tls,
                )
            }
        }
    }
}

impl FromStr for Store {
    type Err = String;

    fn from_str(choice: &str) -> Result<Self, String> {
        Ok(match choice.split_once('=').unwrap_or((choice, "")) {
            ("memory", "") => Self::Memory,
            ("cookie", "") => Self::Cookie,
            ("sqlite", "") => Self::Sqlite(None),
            ("sqlite", file) => Self::Sqlite(Some(file.into())),
            (kind @ ("postgres" | "mysql" | "redis"), "") => {
                return Err(format!("say where it is, as in {kind}={kind}://127.0.0.1/"));
            }
            #[cfg(feature = "postgres")]
            ("postgres", url) => Self::Postgres(url.to_owned()),
            #[cfg(feature = "mysql")]
            ("mysql", url) => Self::MySql(url.to_owned()),
            #[cfg(feature = "redis")]
            ("redis", url) => Self::Redis(url.to_owned()),
            #[cfg(not(all(feature = "postgres", feature = "mysql", feature = "redis")))]
            (kind @ ("postgres" | "mysql" | "redis"), _) => {
                return Err(format!(
                    "build the shop with it: cargo run --example shop --features {kind}"
                ));
            }
            _ => return Err("there is no such store".to_owned()),
        })
    }
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
fn unreachable(error: &sqlx::Error) -> starsessions_examples::Problem {
    starsessions_examples::Problem(format!("the database cannot be reached: {error}"))
}

/// `dev` is for http://localhost. Over TLS, browsers that support it bind the sessions of users to the device.
fn finish(store: impl Backend, folder: &Path, tls: bool) -> Result<SessionLayer, Box<dyn Error>> {
    if !tls {
        return Ok(SessionLayer::dev(store, keys(folder)?));
    }
    let layer = SessionLayer::builder(store, keys(folder)?).explain(true);
    let layer = layer.device_bound(|device| {
        let device = device.guests(false);
        device.exclude("/style.css").exclude("/live.js")
    });
    Ok(layer.build()?)
}

/// Reads the keys from the environment, or from a file beside the sessions, so that a restart keeps all users signed
/// in.
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
