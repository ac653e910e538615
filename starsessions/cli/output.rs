//! The output of a command: text for people, or JSON for programs.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use serde_json::Value;

use crate::failure::{Failure, NOT_FOUND};

/// The output of a command, in both forms.
#[derive(Debug)]
pub(crate) struct Output {
    lines: Vec<String>,
    json: Value,
    has_found: bool,
}

impl Output {
    pub(crate) fn new(json: Value) -> Self {
        Self {
            lines: Vec::new(),
            json,
            has_found: true,
        }
    }

    /// Printed as usual, with the exit code for "nothing found".
    pub(crate) fn not_found(mut self) -> Self {
        self.has_found = false;
        self
    }

    pub(crate) fn line(mut self, line: impl Into<String>) -> Self {
        self.lines.push(line.into());
        self
    }

    /// A line that begins with a label.
    pub(crate) fn about(self, what: &str, value: impl Display) -> Self {
        self.line(format!("{what:<12} {value}"))
    }

    /// A closed pipe is no failure: the reader, such as `head`, has what it wanted.
    pub(crate) fn write(&self, json: bool) -> Result<ExitCode, Failure> {
        match self.try_write(json) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::failed(format!(
                "the output cannot be written: {error}"
            ))),
            _ if self.has_found => Ok(ExitCode::SUCCESS),
            _ => Ok(ExitCode::from(NOT_FOUND)),
        }
    }

    fn try_write(&self, json: bool) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if json {
            writeln!(out, "{}", self.json)?;
        } else {
            for line in &self.lines {
                // A session's label stays on one line.
                writeln!(out, "{}", line.replace(char::is_control, " "))?;
            }
        }
        out.flush()
    }
}
