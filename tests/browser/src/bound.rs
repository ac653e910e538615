//! A site that binds sessions, and tells of it.

use std::process::Command;

use serde_json::Value;

use crate::browser::Browser;
use crate::folder::build;
use crate::process::Process;
use crate::shop::options_in;

/// The site, open until it is dropped.
#[derive(Debug)]
pub struct BoundSite {
    line: String,
    _process: Process,
}

impl BoundSite {
    /// Opens it.
    ///
    /// # Panics
    /// If it is not built.
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
    /// Never: it has told its address.
    #[must_use]
    pub fn page(&self, path: &str) -> String {
        let mut words = self.line.split([' ', ',']);
        let address = words.find(|it| it.starts_with("https"));
        format!("{}{path}", address.expect("an address"))
    }

    /// What a browser is started with that takes its certificate and binds sessions, with keys in software.
    #[must_use]
    pub fn browser_options(&self) -> Vec<String> {
        options_in(&self.line)
    }

    /// What refreshes get from now on: `pass`, `hold`, or a status. `browser` is at a page of the site.
    pub fn answer(&self, browser: &Browser, answer: &str) {
        browser.run(&format!(
            "return fetch('/control/refresh/{answer}').then(it => it.text())"
        ));
    }

    /// Turns the clock of the site forward, and not that of the browser.
    pub fn later(&self, browser: &Browser, seconds: u32) {
        browser.run(&format!(
            "return fetch('/control/later/{seconds}').then(it => it.text())"
        ));
    }

    /// How often a device has registered, and what its refreshes were answered with: 0, as long as one is held.
    ///
    /// # Panics
    /// Never: it tells a list.
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
