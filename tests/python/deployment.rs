//! A Python deployment: uvicorn with the library from PyPI, and one browser for both sides.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use axum::Router;
use starsessions::python::{AesGcmEncryptor, CookieStore, FernetEncryptor, RedisStore, Sessions};
use starsessions_tests::client::Client;
use starsessions_tests::servers::redis::{self as servers, Version};
use starsessions_tests::servers::{Folder, Server, free_port};

static REDIS: LazyLock<Server> = LazyLock::new(|| servers::redis(Version::System, &[]));

pub(crate) const SECRET: &str = "a secret that both sides have";
pub(crate) const FERNET: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const AES: [u8; 32] = [7; 32];
pub(crate) const LIFETIME: Duration = Duration::from_secs(3_600);

/// A version of the Python library, its store and its encryptor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    pub(crate) version: &'static str,
    pub(crate) store: &'static str,
    pub(crate) encryptor: &'static str,
}

impl Kind {
    /// All combinations; version 2.2 has no encryptors.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let kinds = [
            ("2.2.1", "none"),
            ("2.3.0a1", "none"),
            ("2.3.0a1", "fernet"),
            ("2.3.0a1", "aesgcm"),
        ];
        kinds.into_iter().flat_map(|(version, encryptor)| {
            ["redis", "cookie"].map(|store| Self {
                version,
                store,
                encryptor,
            })
        })
    }

    pub(crate) fn is_cookie(self) -> bool {
        self.store == "cookie"
    }

    /// The Rust side's description of the same deployment.
    pub(crate) async fn sessions(self, is_rolling: bool) -> Sessions {
        let sessions = if self.is_cookie() {
            Sessions::new(CookieStore::new(SECRET))
        } else {
            let client = ::redis::Client::open(redis_url()).unwrap();
            Sessions::new(RedisStore::connect(client).await.unwrap())
        };
        let sessions = sessions.lifetime(LIFETIME).rolling(is_rolling);
        match self.encryptor {
            "fernet" => sessions.encryptor(FernetEncryptor::new(FERNET).unwrap()),
            "aesgcm" => sessions.encryptor(AesGcmEncryptor::new(&AES).unwrap()),
            _ => sessions,
        }
    }

    /// Starts the Python side.
    pub(crate) fn serve(self, is_rolling: bool) -> Server {
        let settings = settings(self, is_rolling);
        let settings: Vec<_> = settings
            .iter()
            .map(|(name, value)| (*name, &**value))
            .collect();
        uvicorn(self.version, "app", &settings)
    }
}

/// The settings that both sides start with.
pub(crate) fn settings(kind: Kind, is_rolling: bool) -> Vec<(&'static str, String)> {
    let key = match kind.encryptor {
        "fernet" => FERNET.to_owned(),
        _ => AES.iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    vec![
        ("SECRET", SECRET.to_owned()),
        (
            "STORE",
            if kind.is_cookie() {
                "cookie".to_owned()
            } else {
                redis_url()
            },
        ),
        ("ENCRYPTOR", kind.encryptor.to_owned()),
        ("KEY", key),
        ("LIFETIME", LIFETIME.as_secs().to_string()),
        ("ROLLING", if is_rolling { "1" } else { "0" }.to_owned()),
    ]
}

pub(crate) fn redis_url() -> String {
    servers::url(&REDIS)
}

/// Starts an application of this folder with these settings in its environment.
pub(crate) fn uvicorn(version: &str, module: &str, settings: &[(&str, &str)]) -> Server {
    let port = free_port();
    let mut command = Command::new(beside(&format!("python/{version}/bin/python")));
    command
        .args(["-W", "ignore", "-m", "uvicorn", "--no-access-log"])
        .args([&format!("{module}:app"), "--port", &port.to_string()])
        .arg("--app-dir")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("python"))
        .envs(settings.iter().copied())
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let server = Server::new(Folder::new(), port, &command);
    server.start();
    server
}

/// A path that `tests/run python` has created beside the build.
pub(crate) fn beside(place: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let found = test
        .ancestors()
        .map(|folder| folder.join(place))
        .find(|program| program.is_file());
    found.unwrap_or_else(|| panic!("{place} is missing; make it with: tests/run python"))
}

/// One browser for both sides, which share a host and therefore a cookie.
pub(crate) struct Browser<'a> {
    pub(crate) cookie: Option<String>,
    python: &'a Server,
    rust: Client,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(python: &'a Server, rust: &Router) -> Self {
        Self {
            cookie: None,
            python,
            rust: Client::new(rust),
        }
    }

    /// The cookie's value.
    pub(crate) fn session(&self) -> &str {
        let cookie = self.cookie.as_deref().unwrap_or_default();
        cookie.split_once('=').unwrap_or_default().1
    }

    pub(crate) async fn rust(&mut self, method: &str, path: &str) -> String {
        let client = match &self.cookie {
            Some(cookie) => self.rust.showing(cookie),
            None => self.rust.clone(),
        };
        let reply = client.ask(method.parse().unwrap(), path).await;
        assert!(reply.status.is_success(), "{path}: {reply:?}");
        if let Some(line) = reply.set_cookies().first() {
            self.keep(line);
        }
        reply.body
    }

    pub(crate) fn python(&mut self, method: &str, path: &str) -> String {
        self.python_with(method, path, "")
    }

    pub(crate) fn python_with(&mut self, method: &str, path: &str, body: &str) -> String {
        self.send(self.python, method, path, body)
    }

    /// Sends a request to a side that runs as a process.
    pub(crate) fn ask(&mut self, side: &Server, method: &str, path: &str) -> String {
        self.send(side, method, path, "")
    }

    fn send(&mut self, side: &Server, method: &str, path: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(side.address()).unwrap();
        let cookie = self
            .cookie
            .as_ref()
            .map(|cookie| format!("Cookie: {cookie}\r\n"));
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n{}Content-Length: {}\r\n\r\n{body}",
            cookie.unwrap_or_default(),
            body.len(),
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        let (head, body) = reply.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{reply}\n{}", side.log());
        for line in head.lines() {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("set-cookie: ") {
                self.keep(&line[line.len() - value.len()..]);
            }
        }
        body.to_owned()
    }

    fn keep(&mut self, line: &str) {
        let pair = line.split(';').next().unwrap();
        // The spaces matter: a hexadecimal id may contain "1970".
        let is_removal = line.contains("01 Jan 1970") || line.contains("Max-Age=0");
        self.cookie = (!is_removal).then(|| pair.to_owned());
    }
}
