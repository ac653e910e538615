//! The clock of a program, which tests set ahead.

use std::path::PathBuf;
use std::process::Command;

use crate::folder::Folder;

/// The offset of a program's clock. The browser's clock has no offset.
#[derive(Debug)]
pub(crate) struct Clock(Folder);

impl Clock {
    /// A clock without an offset.
    pub(crate) fn new() -> Self {
        let clock = Self(Folder::new());
        clock.advance(0);
        clock
    }

    /// Sets the clock this far ahead of the current time.
    pub(crate) fn advance(&self, minutes: u32) {
        // Replaces the file atomically, because the program may be reading it.
        let next = self.0.path().join("next");
        std::fs::write(&next, format!("+{minutes}m\n")).expect("our own folder");
        std::fs::rename(next, self.file()).expect("our own folder");
    }

    /// Makes a program use this clock. Call it before the program starts.
    pub(crate) fn set(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", faketime())
            .env("FAKETIME_TIMESTAMP_FILE", self.file())
            .env("FAKETIME_NO_CACHE", "1")
            // The monotonic clock, which time-outs use, stays unchanged.
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("clock")
    }
}

/// The path of the `libfaketime` library.
fn faketime() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").expect("a system with libraries");
    folders
        .flatten()
        .map(|folder| folder.path().join("faketime/libfaketime.so.1"))
        .find(|library| library.is_file())
        .expect("libfaketime is missing; install it with: tests/run browser")
}
