//! A site that binds sessions and reports refreshes.

use std::process::Command;

use serde_json::Value;

use crate::browser::Browser;
use crate::process::{Process, build};
use crate::shop::options_in;

/// The running site. Dropping it stops the process.
#[derive(Debug)]
pub struct BoundSite {
    line: String,
    _process: Process,
}

impl BoundSite {
    /// Starts the site.
    ///
    /// # Panics
    /// If the site is not built.
    #[must_use]
    pub fn open() -> Self {
        let remedy = "build it with: tests/run browser";
        let mut command = Command::new(build().join("bound"));
        let (process, line) = Process::start(&mut command, "Open http", remedy);
        Self {
            line,
            _process: process,
        }
    }

    /// The address of a page.
    ///
    /// # Panics
    /// Never, because the site has printed its address.
    #[must_use]
    pub fn page(&self, path: &str) -> String {
        let mut words = self.line.split([' ', ',']);
        let address = words.find(|it| it.starts_with("https"));
        format!("{}{path}", address.expect("an address"))
    }

    /// The options for a browser that accepts the certificate and binds sessions, with keys in software.
    #[must_use]
    pub fn browser_options(&self) -> Vec<String> {
        options_in(&self.line)
    }

    /// Sets the response to refreshes from now on: `pass`, `hold`, or a status. `browser` must be at a page of the
    /// site.
    pub fn answer(&self, browser: &Browser, answer: &str) {
        browser.run(&format!(
            "return fetch('/control/refresh/{answer}').then(it => it.text())"
        ));
    }

    /// Advances the clock of the site, but not the browser's.
    pub fn later(&self, browser: &Browser, seconds: u32) {
        browser.run(&format!(
            "return fetch('/control/later/{seconds}').then(it => it.text())"
        ));
    }

    /// The number of registrations, and the status of each refresh; 0 while it is held.
    ///
    /// # Panics
    /// Never, because the site returns a list.
    #[must_use]
    pub fn seen(&self, browser: &Browser) -> (usize, Vec<u64>) {
        let seen = browser.run("return fetch('/control/seen').then(it => it.json())");
        let seen = seen.as_array().expect("a list").iter();
        let (refreshes, registrations): (Vec<_>, Vec<_>) =
            seen.partition(|it| it[0] == "/dbsc/refresh");
        let statuses = refreshes.iter().filter_map(|it: &&Value| it[1].as_u64());
        (registrations.len(), statuses.collect())
    }
}
