//! A store by its URL.

use std::fmt;
#[cfg(feature = "sqlite")]
use std::path::Path;

use clap::Args;
use starsessions::store::{StoreCounts, StoreError};
use starsessions::{MemoryStore, Timestamp};

use crate::failure::Failure;

/// A URL, which may hold a password.
#[derive(Clone)]
pub(crate) struct Place(String);

impl From<String> for Place {
    fn from(url: String) -> Self {
        Self(url)
    }
}

/// Without the password.
impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place(..)")
    }
}

/// How the application has named its rows.
#[derive(Args, Debug)]
pub(crate) struct Layout {
    /// The name of the table, in PostgreSQL and MySQL
    #[arg(long, value_name = "NAME")]
    table: Option<String>,
    /// What all keys begin with, in Redis
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
}

/// A store of one of the kinds that this build knows.
pub(crate) enum Open {
    /// An empty one that ends with the command: what a measurement is compared with.
    Memory(MemoryStore),
    #[cfg(feature = "mysql")]
    MySql(starsessions::MySqlStore),
    #[cfg(feature = "postgres")]
    Postgres(starsessions::PostgresStore),
    #[cfg(feature = "redis")]
    Redis(starsessions::RedisStore),
    #[cfg(feature = "sqlite")]
    Sqlite(starsessions::SqliteStore),
}

/// Evaluates an expression for a store of any kind.
macro_rules! with_store {
    ($open:expr, $store:ident => $body:expr) => {
        match $open {
            $crate::store::Open::Memory($store) => $body,
            #[cfg(feature = "mysql")]
            $crate::store::Open::MySql($store) => $body,
            #[cfg(feature = "postgres")]
            $crate::store::Open::Postgres($store) => $body,
            #[cfg(feature = "redis")]
            $crate::store::Open::Redis($store) => $body,
            #[cfg(feature = "sqlite")]
            $crate::store::Open::Sqlite($store) => $body,
        }
    };
}
pub(crate) use with_store;

impl Place {
    /// Opens a store that is there.
    pub(crate) async fn open(&self, layout: &Layout) -> Result<Open, Failure> {
        #[cfg(feature = "sqlite")]
        if self.path().is_some_and(|path| !path.exists()) {
            return Err(Failure::not_found(format!(
                "`{}`: there is no such file; name the one that the application keeps, or make it with \
                 `starsessions store migrate`",
                self.0
            )));
        }
        self.open_or_make(layout).await
    }

    pub(crate) async fn open_or_make(&self, layout: &Layout) -> Result<Open, Failure> {
        let Some((scheme, _)) = self.0.split_once(':') else {
            return Err(unknown());
        };
        layout.check(scheme)?;
        match scheme {
            "memory" => Ok(Open::Memory(MemoryStore::new())),
            "sqlite" => self.sqlite(),
            "postgres" | "postgresql" => self.postgres(layout).await,
            "mysql" | "mariadb" => self.mysql(layout).await,
            "redis" => self.redis(layout).await,
            "rediss" => Err(Failure::failed(
                "there is no TLS in this command; run it beside the server, or through a tunnel, with `redis://`",
            )),
            _ => Err(unknown()),
        }
    }

    /// `sqlite://sessions.db` names the same file as `sqlite:sessions.db`, as it does for `sqlx`.
    #[cfg(feature = "sqlite")]
    fn path(&self) -> Option<&Path> {
        let path = self.0.strip_prefix("sqlite:")?;
        Some(Path::new(path.strip_prefix("//").unwrap_or(path)))
    }

    #[cfg(feature = "sqlite")]
    fn sqlite(&self) -> Result<Open, Failure> {
        let path = self.path().unwrap_or(Path::new(""));
        // What are options for `sqlx` would become a part of the name.
        if self.0.contains('?') && !path.exists() {
            return Err(Failure::failed(
                "`sqlite:PATH` has no options; leave out the `?` and what follows it",
            ));
        }
        starsessions::SqliteStore::open(path)
            .map(Open::Sqlite)
            .map_err(Failure::store)
    }

    #[cfg(feature = "postgres")]
    async fn postgres(&self, layout: &Layout) -> Result<Open, Failure> {
        let store = starsessions::PostgresStore::builder(pool(&self.0).await?);
        let store = store.table(layout.table()).build();
        store.map(Open::Postgres).map_err(Failure::failed)
    }

    #[cfg(feature = "mysql")]
    async fn mysql(&self, layout: &Layout) -> Result<Open, Failure> {
        let store = starsessions::MySqlStore::builder(pool(&self.0).await?);
        let store = store.table(layout.table()).build();
        store.map(Open::MySql).map_err(Failure::failed)
    }

    #[cfg(feature = "redis")]
    async fn redis(&self, layout: &Layout) -> Result<Open, Failure> {
        let client = redis::Client::open(&*self.0).map_err(|_| malformed())?;
        let mut store = starsessions::RedisStore::builder(client);
        if let Some(prefix) = &layout.prefix {
            store = store.prefix(prefix);
        }
        let store = store.connect().await;
        store.map(Open::Redis).map_err(Failure::store)
    }

    #[cfg(not(feature = "sqlite"))]
    fn sqlite(&self) -> Result<Open, Failure> {
        Err(without("sqlite"))
    }

    #[cfg(not(feature = "postgres"))]
    async fn postgres(&self, _: &Layout) -> Result<Open, Failure> {
        Err(without("postgres"))
    }

    #[cfg(not(feature = "mysql"))]
    async fn mysql(&self, _: &Layout) -> Result<Open, Failure> {
        Err(without("mysql"))
    }

    #[cfg(not(feature = "redis"))]
    async fn redis(&self, _: &Layout) -> Result<Open, Failure> {
        Err(without("redis"))
    }
}

impl Layout {
    /// Refuses an option that the store would ignore.
    fn check(&self, scheme: &str) -> Result<(), Failure> {
        let has_table = ["postgres", "postgresql", "mysql", "mariadb"].contains(&scheme);
        if self.table.is_some() && !has_table {
            return Err(Failure::failed(
                "`--table` is for postgres:// and mysql://; leave it out",
            ));
        }
        if self.prefix.is_some() && scheme != "redis" {
            return Err(Failure::failed("`--prefix` is for redis://; leave it out"));
        }
        Ok(())
    }

    #[cfg(any(feature = "mysql", feature = "postgres"))]
    fn table(&self) -> &str {
        self.table.as_deref().unwrap_or("starsessions")
    }
}

impl Open {
    pub(crate) async fn migrate(&self) -> Result<(), Failure> {
        match self {
            #[cfg(feature = "mysql")]
            Self::MySql(store) => store.migrate().await.map_err(Failure::store),
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.migrate().await.map_err(Failure::store),
            // Ready as soon as they are open.
            _ => Ok(()),
        }
    }

    pub(crate) async fn count(&self, now: Timestamp) -> Result<StoreCounts, StoreError> {
        match self {
            Self::Memory(store) => Ok(store.count(now)),
            #[cfg(feature = "mysql")]
            Self::MySql(store) => store.count(now).await,
            #[cfg(feature = "postgres")]
            Self::Postgres(store) => store.count(now).await,
            #[cfg(feature = "redis")]
            Self::Redis(store) => store.count(now).await,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(store) => store.count(now).await,
        }
    }
}

/// A pool for a server that answers: where nothing listens, a pool alone would try again for a while.
#[cfg(any(feature = "mysql", feature = "postgres"))]
async fn pool<D: sqlx::Database>(url: &str) -> Result<sqlx::Pool<D>, Failure> {
    use sqlx::Connection;
    let options = url.parse().map_err(|_| malformed())?;
    let first = D::Connection::connect_with(&options);
    let why = match tokio::time::timeout(std::time::Duration::from_secs(5), first).await {
        Ok(Ok(first)) => {
            let _ = first.close().await;
            return Ok(sqlx::pool::PoolOptions::new().connect_lazy_with(options));
        }
        Ok(Err(error)) => error.to_string(),
        Err(_) => "no answer within 5 seconds".to_owned(),
    };
    let cure = "check address, user, password and database, and that the server is running";
    let cause = format!("{why}; {cure}").into();
    Err(Failure::store(StoreError::Unavailable(cause)))
}

#[cfg(any(feature = "mysql", feature = "postgres", feature = "redis"))]
fn malformed() -> Failure {
    Failure::failed(
        "the URL of the store cannot be read; write it as `scheme://user:password@host:port/database`",
    )
}

fn unknown() -> Failure {
    Failure::failed(
        "the URL of the store begins with none of `sqlite:`, `postgres://`, `mysql://` and `redis://`; \
         write the kind of the store in front",
    )
}

#[cfg(not(all(
    feature = "mysql",
    feature = "postgres",
    feature = "redis",
    feature = "sqlite"
)))]
fn without(feature: &str) -> Failure {
    Failure::failed(format!(
        "this build of the command lacks the feature `{feature}`; install it with \
         `cargo install --path starsessions --features cli,{feature}`"
    ))
}

#[cfg(all(test, feature = "sqlite"))]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_one_name_with_slashes_and_without() {
        for (url, path) in [
            ("sqlite:sessions.db", "sessions.db"),
            ("sqlite://sessions.db", "sessions.db"),
            ("sqlite:/var/sessions.db", "/var/sessions.db"),
            ("sqlite:///var/sessions.db", "/var/sessions.db"),
        ] {
            let place = Place::from(url.to_owned());
            assert_eq!(place.path(), Some(Path::new(path)), "{url}");
        }
    }
}
