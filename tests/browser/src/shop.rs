//! The shop, on each of its stores.

use std::process::Command;
use std::sync::{LazyLock, Mutex};

use crate::cable::Cable;
use crate::clock::Clock;
use crate::folder::Folder;
use crate::process::{Process, build};

/// Where the shop keeps its sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// In the memory of its process.
    Memory,
    /// In the cookie.
    Cookie,
    /// In a file.
    Sqlite,
    /// In a Redis server that the tests start.
    Redis,
    /// In a PostgreSQL server that the tests start.
    Postgres,
    /// In a MariaDB server that the tests start.
    Mysql,
}

impl Store {
    /// The value for the shop's `--store` option.
    pub(crate) fn option(self) -> String {
        static REDIS: LazyLock<Served> = LazyLock::new(|| Served::start("redis"));
        static POSTGRES: LazyLock<Served> = LazyLock::new(|| Served::start("postgres"));
        static MYSQL: LazyLock<Served> = LazyLock::new(|| Served::start("mysql"));
        match self {
            Self::Memory => "memory".to_owned(),
            Self::Cookie => "cookie".to_owned(),
            Self::Sqlite => "sqlite".to_owned(),
            Self::Redis => format!("redis={}", REDIS.url),
            Self::Postgres => format!("postgres={}", POSTGRES.url),
            Self::Mysql => format!("mysql={}", MYSQL.url),
        }
    }
}

/// A database server that all tests share. The server stops when its input closes, at the latest when this process
/// ends.
struct Served {
    url: String,
    _process: Mutex<Process>,
}

impl Served {
    fn start(kind: &str) -> Self {
        let mut command = Command::new(build().join("serve"));
        let remedy = "install and build it with: tests/run servers browser";
        let (process, url) = Process::start(command.arg(kind), "://", remedy);
        Self {
            url,
            _process: Mutex::new(process),
        }
    }
}

/// A running shop. Dropping it stops the process.
#[derive(Debug)]
pub struct Shop {
    process: Option<Process>,
    /// The value of the `--store` option.
    store: String,
    port: u16,
    data: Folder,
    clock: Clock,
    /// The line of output with the browser options that accept the certificate, if the shop uses TLS.
    tls: Option<String>,
}

impl Shop {
    /// Starts the shop.
    ///
    /// # Panics
    /// If the shop is not built, or its store does not start.
    #[must_use]
    pub fn open(store: Store) -> Self {
        Self::with(store.option(), false)
    }

    /// Starts the shop with TLS, so that it binds sessions to devices.
    ///
    /// # Panics
    /// The same as [`open`](Self::open).
    #[must_use]
    pub fn open_with_tls(store: Store) -> Self {
        Self::with(store.option(), true)
    }

    /// Starts the shop with a [`Cable`] to its database server.
    ///
    /// # Panics
    /// The same as [`open`](Self::open), and if the store has no server.
    #[must_use]
    pub fn open_over_cable(store: Store) -> (Self, Cable) {
        let option = store.option();
        let (_, place) = option.rsplit_once(':').expect("a server");
        let port = place.split('/').next().expect("a port");
        let cable = Cable::to(port.parse().expect("a port"));
        let option = option.replace(&format!(":{port}"), &format!(":{}", cable.port()));
        (Self::with(option, false), cable)
    }

    fn with(store: String, tls: bool) -> Self {
        let mut shop = Self {
            process: None,
            store,
            port: 0,
            data: Folder::new(),
            clock: Clock::new(),
            tls: tls.then(String::new),
        };
        shop.start();
        shop
    }

    /// Kills the shop, and restarts it on the same port with the same data.
    ///
    /// # Panics
    /// The same as [`open`](Self::open).
    pub fn restart(&mut self) {
        self.process = None;
        self.start();
    }

    /// Sets the shop's clock ahead, but not the browser's.
    ///
    /// # Panics
    /// If the clock's file cannot be written.
    pub fn advance(&self, minutes: u32) {
        self.clock.advance(minutes);
    }

    /// The address of a page.
    #[must_use]
    pub fn page(&self, path: &str) -> String {
        match &self.tls {
            None => format!("http://127.0.0.1:{}{path}", self.port),
            Some(_) => format!("https://localhost:{}{path}", self.port),
        }
    }

    /// The options for a browser that accepts the certificate and binds sessions, with keys in software.
    #[must_use]
    pub fn browser_options(&self) -> Vec<String> {
        self.tls.as_deref().map_or_else(Vec::new, options_in)
    }

    /// The options for a browser that accepts the certificate and binds no sessions.
    #[must_use]
    pub fn browser_options_without_binding(&self) -> Vec<String> {
        let mut options = self.browser_options();
        options.retain(|it| it.starts_with("--ignore"));
        options
    }

    /// The shop's port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    fn start(&mut self) {
        let mut command = Command::new(build().join("examples/shop"));
        command
            .args(["--port", &self.port.to_string()])
            .args(["--store", &self.store])
            .arg("--data")
            .arg(self.data.path());
        self.clock.set(&mut command);
        if self.tls.is_some() {
            command.arg("--tls");
        }
        let remedy = "build it with: tests/run browser";
        let (process, line) = Process::start(&mut command, "Open http", remedy);
        let (_, place) = line.split_once("://").expect("an address");
        let (_, port) = place.split_once(':').expect("a port");
        let port = port.split([' ', ',']).next().expect("a port");
        self.port = port.parse().expect("a port");
        if let Some(tls) = &mut self.tls {
            *tls = line;
        }
        self.process = Some(process);
    }
}

/// Extracts the browser options from the output of a TLS server.
pub(crate) fn options_in(line: &str) -> Vec<String> {
    let options = line.split(' ');
    let options = options.filter(|it| it.starts_with("--enable") || it.starts_with("--ignore"));
    options.map(str::to_owned).collect()
}
