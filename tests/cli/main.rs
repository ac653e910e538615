//! The command `starsessions`, run as a process.

mod cookies;
mod keys;
mod mistakes;
mod page;
mod stores;

use std::env;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use serde_json::Value;
use starsessions::KeyRing;
use starsessions::keys::Key;
use starsessions_tests::servers::Folder;

/// Path of the built program; cargo sets a variable only for programs of the same package. It is built once, together
/// with the tests, so that nothing is built twice.
static PROGRAM: LazyLock<PathBuf> = LazyLock::new(|| {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--workspace", "--all-features"]);
    // Including this test, so that the dependencies are built with the same features as for the tests.
    cargo.args(["--bin", "starsessions", "--test", "cli"]);
    cargo.args(["--message-format", "json"]);
    // Cargo's variables for this package would change the input of build scripts (`ring` has one) and cause a complete
    // rebuild.
    for (name, _) in env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&*name);
        }
    }
    let built = cargo.output().expect("cargo");
    let said = String::from_utf8_lossy(&built.stderr);
    assert!(built.status.success(), "{said}");
    let messages = String::from_utf8(built.stdout).expect("text");
    let messages = messages
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    // The output lists the programs of the test package as well.
    let mut programs = messages
        .filter(|message: &Value| message["target"]["name"] == "starsessions")
        .filter(|message: &Value| message["target"]["kind"][0] == "bin")
        .filter(|message| message["target"]["name"] == "starsessions")
        .filter_map(|message| Some(message["executable"].as_str()?.into()));
    programs.next_back().expect("a program")
});

/// The result of a command.
#[derive(Debug)]
struct Done {
    code: i32,
    out: String,
    err: String,
}

impl Done {
    /// Asserts that the command has succeeded without a warning.
    #[track_caller]
    fn well(&self) -> &Self {
        assert_eq!((self.code, &*self.err), (0, ""), "{self:?}");
        self
    }

    /// Asserts that the command has failed with one sentence that contains `with`.
    #[track_caller]
    fn fails(&self, code: i32, with: &str) {
        assert_eq!(self.code, code, "{self:?}");
        assert!(
            self.err.starts_with("error: ") && self.err.contains(with),
            "{self:?}"
        );
        assert_eq!(self.err.lines().count(), 1, "{self:?}");
        assert_eq!(self.out, "");
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Runs the command with these keys in the environment and this standard input.
fn run(arguments: &[&str], keys: &str, input: &str) -> Done {
    run_in(Path::new("."), arguments, keys, input)
}

/// The same, in this folder.
fn run_in(folder: &Path, arguments: &[&str], keys: &str, input: &str) -> Done {
    let mut command = Command::new(&*PROGRAM);
    command.current_dir(folder).args(arguments);
    command.env_remove("SESSION_STORE");
    command.env_remove("SESSION_KEYS");
    if !keys.is_empty() {
        command.env("SESSION_KEYS", keys);
    }
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.stderr(Stdio::piped()).spawn().expect("the program");
    let mut stdin = child.stdin.take().expect("a pipe");
    // A command that reads no input may already have ended.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("its output");
    Done {
        code: output.status.code().expect("no signal has ended it"),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

fn new_key() -> String {
    Key::generate_base64().expect("randomness")
}

/// The ids of the keys in a file, the active one first.
fn key_ids(path: &Path) -> Vec<String> {
    let ring = KeyRing::parse(&fs::read_to_string(path).expect("a file")).expect("keys");
    ring.key_ids().map(|id| id.to_string()).collect()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path that is text")
}

fn folder() -> Folder {
    Folder::new()
}
