//! The clock of a program, which tests put ahead.

use std::path::PathBuf;
use std::process::Command;

use crate::folder::Folder;

/// How far ahead a program's clock is; that of the browser is not.
#[derive(Debug)]
pub(crate) struct Clock(Folder);

impl Clock {
    /// At the time that it is.
    pub(crate) fn new() -> Self {
        let clock = Self(Folder::new());
        clock.advance(0);
        clock
    }

    /// Puts it this far ahead of the time that it is.
    pub(crate) fn advance(&self, minutes: u32) {
        // At once or not at all: the program may be reading it.
        let next = self.0.path().join("next");
        std::fs::write(&next, format!("+{minutes}m\n")).expect("our own folder");
        std::fs::rename(next, self.file()).expect("our own folder");
    }

    /// Has a program that is about to start go by it.
    pub(crate) fn set(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", faketime())
            .env("FAKETIME_TIMESTAMP_FILE", self.file())
            .env("FAKETIME_NO_CACHE", "1")
            // What measures durations, as timeouts do, goes on as it is.
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("clock")
    }
}

/// What tells a program another time than it is.
fn faketime() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").expect("a system with libraries");
    folders
        .flatten()
        .map(|folder| folder.path().join("faketime/libfaketime.so.1"))
        .find(|library| library.is_file())
        .expect("libfaketime is missing; install it with: tests/run browser")
}
