//! The session cookie, judged by a browser.

mod configuration;
mod header;
