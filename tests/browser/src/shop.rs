//! The shop, on each of its stores.

use std::process::Command;
use std::sync::{LazyLock, Mutex};

use crate::folder::{Folder, build};
use crate::process::Process;

/// Where the shop keeps its sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Store {
    /// In the memory of its process.
    Memory,
    /// In the cookie.
    Cookie,
    /// In a file.
    Sqlite,
    /// In a Redis of these tests.
    Redis,
    /// In a PostgreSQL of these tests.
    Postgres,
}

impl Store {
    /// As the command line of the shop says it.
    fn option(self) -> String {
        static REDIS: LazyLock<Served> = LazyLock::new(|| Served::start("redis"));
        static POSTGRES: LazyLock<Served> = LazyLock::new(|| Served::start("postgres"));
        match self {
            Self::Memory => "memory".to_owned(),
            Self::Cookie => "cookie".to_owned(),
            Self::Sqlite => "sqlite".to_owned(),
            Self::Redis => format!("redis={}", REDIS.url),
            Self::Postgres => format!("postgres={}", POSTGRES.url),
        }
    }
}

/// A database server that all tests share. It ends with its input, which is when this process does.
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

/// The shop, open until it is dropped.
#[derive(Debug)]
pub struct Shop {
    process: Option<Process>,
    store: Store,
    port: u16,
    data: Folder,
}

impl Shop {
    /// Opens it.
    ///
    /// # Panics
    /// If it is not built, or its store does not start.
    #[must_use]
    pub fn open(store: Store) -> Self {
        let mut shop = Self {
            process: None,
            store,
            port: 0,
            data: Folder::new(),
        };
        shop.start();
        shop
    }

    /// Kills it, and opens it again where it was.
    ///
    /// # Panics
    /// As [`open`](Self::open).
    pub fn restart(&mut self) {
        self.process = None;
        self.start();
    }

    /// The address of a page.
    #[must_use]
    pub fn page(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    fn start(&mut self) {
        let mut command = Command::new(build().join("examples/shop"));
        command
            .args(["--port", &self.port.to_string()])
            .args(["--store", &self.store.option()])
            .arg("--data")
            .arg(self.data.path());
        let remedy = "build it with: tests/run browser";
        let (process, line) = Process::start(&mut command, "http://", remedy);
        let (_, port) = line.rsplit_once(':').expect("an address");
        self.port = port.trim().parse().expect("a port");
        self.process = Some(process);
    }
}
