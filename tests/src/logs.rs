//! What was logged, down to TRACE.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use tracing::Level;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::format::FmtSpan;

/// The log of this thread, from the moment of its making until it is dropped.
#[derive(Debug)]
pub struct Logs {
    lines: Buffer,
    _capture: DefaultGuard,
}

impl Logs {
    /// Begins to keep everything that this thread logs.
    #[must_use]
    pub fn capture() -> Self {
        let lines = Buffer::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(Level::TRACE)
            .with_span_events(FmtSpan::FULL)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        Self {
            lines,
            _capture: tracing::subscriber::set_default(subscriber),
        }
    }

    /// The whole log.
    #[must_use]
    pub fn text(&self) -> String {
        let bytes = self.lines.0.lock().unwrap();
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

#[derive(Clone, Debug, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
