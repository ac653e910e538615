//! The examples of signing in, and an OpenID provider for one of them.

use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::clock::Clock;
use crate::folder::build;
use crate::process::Process;
use crate::shop::Store;

/// An example of `examples/signin`, open until it is dropped.
#[derive(Debug)]
pub struct Example {
    address: String,
    clock: Clock,
    _process: Process,
}

impl Example {
    /// Opens the one for passkeys.
    ///
    /// # Panics
    /// If it is not built.
    #[must_use]
    pub fn passkeys() -> Self {
        Self::open("passkeys", 0, &[]).expect(REMEDY)
    }

    /// Opens the one for OpenID Connect, with sessions in this store, and its provider. More settings are variables of
    /// its environment.
    ///
    /// # Panics
    /// If it is not built, or the provider is not installed.
    #[must_use]
    pub fn oidc(store: Store, settings: &[(&str, &str)]) -> (Self, Provider) {
        // Each of the two is told where the other one is. The port may have been taken meanwhile.
        let attempt = || {
            let port = free_port();
            let provider = Provider::start(&format!("http://127.0.0.1:{port}"));
            let mut all = vec![("OIDC_ISSUER".to_owned(), provider.issuer.clone())];
            if let Some(url) = store.option().strip_prefix("redis=") {
                all.push(("REDIS_URL".to_owned(), url.to_owned()));
            }
            all.extend(
                settings
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
            );
            Some((Self::open("oidc", port, &all)?, provider))
        };
        (0..3).find_map(|_| attempt()).expect(REMEDY)
    }

    /// The address of a page.
    #[must_use]
    pub fn page(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    /// Puts its clock, and not that of the browser, ahead.
    pub fn advance(&self, minutes: u32) {
        self.clock.advance(minutes);
    }

    fn open(name: &str, port: u16, settings: &[(String, String)]) -> Option<Self> {
        let clock = Clock::new();
        let mut command = Command::new(build().join(name));
        command
            .env("PORT", port.to_string())
            .envs(settings.iter().cloned());
        clock.set(&mut command);
        let (process, line) = Process::try_start(&mut command, "Open http", REMEDY)?;
        let (_, address) = line.split_once(' ')?;
        Some(Self {
            address: address.to_owned(),
            clock,
            _process: process,
        })
    }
}

/// The provider of that example, `oidc-provider`, which signs in any name with any password.
#[derive(Debug)]
pub struct Provider {
    /// Its address; for a browser, `localhost` is not the site of `127.0.0.1`.
    pub issuer: String,
    _process: Process,
}

impl Provider {
    fn start(application: &str) -> Self {
        let mut command = node();
        command.args(["provider.js", "0", application]);
        let (process, line) = Process::start(&mut command, "The issuer is ", REMEDY);
        let issuer = line.rsplit(' ').next().expect("an address").to_owned();
        Self {
            issuer,
            _process: process,
        }
    }

    /// Tokens with these headers and claims, signed with its key, or with a key of the same name where `forged` is set.
    ///
    /// # Panics
    /// If they cannot be signed.
    #[must_use]
    pub fn sign(&self, tokens: &Value) -> Vec<String> {
        let script = include_str!("sign.js");
        let output = node()
            .args(["--input-type=module", "--eval", script, &tokens.to_string()])
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .expect(REMEDY);
        let text = String::from_utf8(output.stdout).expect("text");
        text.lines().map(str::to_owned).collect()
    }
}

fn node() -> Command {
    let mut command = Command::new("node");
    command.current_dir(folder("oidc-provider"));
    command
}

/// One beside that of the build.
fn folder(name: &str) -> PathBuf {
    build().parent().expect("the folder of builds").join(name)
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}

const REMEDY: &str = "build and install it with: tests/run browser";
