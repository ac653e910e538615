//! Programs that run during a test.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

/// A running program. Dropping it kills it by its pid.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts the program, and waits for the line of output that contains `sign`.
    ///
    /// # Panics
    /// If the program cannot be started (the message has `remedy`), or ends without that line.
    #[must_use]
    pub fn start(command: &mut Command, sign: &str, remedy: &str) -> (Self, String) {
        Self::try_start(command, sign, remedy)
            .unwrap_or_else(|| panic!("{command:?} has ended; {remedy}"))
    }

    /// Like [`start`](Self::start), but returns `None` if the program ends without that line.
    pub(crate) fn try_start(
        command: &mut Command,
        sign: &str,
        remedy: &str,
    ) -> Option<(Self, String)> {
        let child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}; {remedy}"));
        let mut process = Self(child);
        let output = process.0.stdout.take().expect("a pipe");
        let mut lines = BufReader::new(output).lines().map_while(Result::ok);
        let line = lines.find(|line| line.contains(sign))?;
        // Keeps reading, because a process that writes to a closed pipe is killed.
        std::thread::spawn(move || lines.for_each(drop));
        Some((process, line))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The folder of the build: `target/debug`, above this test.
///
/// # Panics
/// If the test's binary is not in a build folder.
pub(crate) fn build() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let deps = test.parent().expect("it is in a folder");
    deps.parent().expect("of a build").to_owned()
}
