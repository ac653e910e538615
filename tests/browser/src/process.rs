//! Programs that run beside a test.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A program that is killed, by its pid, when it is dropped.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts it, and waits for the line of its output that holds `sign`.
    ///
    /// # Panics
    /// If it cannot be started, with `remedy`, or ends without that line.
    #[must_use]
    pub fn start(command: &mut Command, sign: &str, remedy: &str) -> (Self, String) {
        Self::try_start(command, sign, remedy)
            .unwrap_or_else(|| panic!("{command:?} has ended; {remedy}"))
    }

    /// The same; `None` if it ends without that line.
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
        // A process that writes into a closed pipe ends.
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
