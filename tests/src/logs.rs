//! Captures log output, down to TRACE.

use std::cell::RefCell;
use std::io::{self, Write};
use std::marker::PhantomData;
use std::sync::Once;

use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, Registry, fmt};

/// Captures the log of this thread until it is dropped.
#[derive(Debug)]
pub struct Logs {
    /// Makes this type `!Send`, because the log belongs to one thread.
    _thread: PhantomData<*const ()>,
}

impl Logs {
    /// Begins to capture everything that this thread logs.
    #[must_use]
    pub fn capture() -> Self {
        listen();
        LINES.set(Some(Vec::new()));
        Self {
            _thread: PhantomData,
        }
    }

    /// The whole log.
    #[must_use]
    pub fn text(&self) -> String {
        let bytes = LINES.with_borrow(|lines| lines.clone().unwrap_or_default());
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The lines that contain all of these words.
    #[must_use]
    pub fn with(&self, words: &[&str]) -> Vec<String> {
        self.text()
            .lines()
            .filter(|line| words.iter().all(|word| line.contains(word)))
            .map(ToOwned::to_owned)
            .collect()
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        LINES.set(None);
    }
}

/// Installs one subscriber for the process, which captures the output of capturing threads.
///
/// Called before the first log statement runs: a call site that is first reached while a subscriber is being installed
/// may stay disabled for good.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let is_captured = || LINES.with_borrow(Option::is_some);
        let lines = fmt::layer()
            .with_span_events(FmtSpan::FULL)
            .with_ansi(false)
            .with_writer(|| Lines)
            .with_filter(dynamic_filter_fn(move |_, _| is_captured()));
        tracing::subscriber::set_global_default(Registry::default().with(lines))
            .expect("no test installs a subscriber of its own");
    });
}

/// A writer into the log of the current thread.
struct Lines;

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LINES.with_borrow_mut(|lines| lines.iter_mut().for_each(|lines| lines.extend(bytes)));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

thread_local! {
    static LINES: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}
