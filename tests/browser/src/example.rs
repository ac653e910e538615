//! The sign-in examples, and an OpenID provider.

use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::clock::Clock;
use crate::process::{Process, build};
use crate::shop::Store;

/// A running example of `examples/signin`. Dropping it stops the process.
#[derive(Debug)]
pub struct Example {
    address: String,
    clock: Clock,
    _process: Process,
}

impl Example {
    /// Starts the example with passkeys.
    ///
    /// # Panics
    /// If the example is not built.
    #[must_use]
    pub fn passkeys() -> Self {
        Self::open("passkeys", 0, &[]).expect(REMEDY)
    }

    /// Starts the example with OpenID Connect, with sessions in this store, and its provider. `settings` are
    /// environment variables of the example.
    ///
    /// # Panics
    /// If the example is not built, or the provider is not installed.
    #[must_use]
    pub fn oidc(store: Store, settings: &[(&str, &str)]) -> (Self, Provider) {
        // Each process needs the other's address in advance, so another program may take the port meanwhile.
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

    /// Sets the example's clock ahead, but not the browser's.
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

/// The OpenID provider, `oidc-provider`, which accepts any name with any password.
#[derive(Debug)]
pub struct Provider {
    /// The provider's address. For a browser, `localhost` and `127.0.0.1` are different sites.
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

    /// Signs tokens with these headers and claims, with the provider's key, or with another key of the same name if
    /// `forged` is set.
    ///
    /// # Panics
    /// If the tokens cannot be signed.
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

/// A folder beside the build folder.
fn folder(name: &str) -> PathBuf {
    build().parent().expect("the folder of builds").join(name)
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("an address").port()
}

const REMEDY: &str = "build and install it with: tests/run browser";
