//! Two binaries side by side: one has written a session, and the other one has another type for a field. The new binary
//! recognises the change and loses nothing of the session, and the old one can continue.

#[macro_use]
mod pair;

mod collections;
mod enums;
mod lock;
mod numbers;
mod structs;
mod tuples;

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use starsessions::testing::TestClock;
use starsessions::{KeyRing, MemoryStore, Session, SessionData, SessionLayer, Timestamp};
use starsessions_tests::client::Client;
use starsessions_tests::spy::Spy;
use tracing::Level;

/// The old or the new view.
trait View: SessionData {
    /// The value, as `Debug` shows it.
    fn value(&self) -> Option<String>;
    fn beside(&mut self) -> (&mut String, &mut u64);
}

/// The new binary reads the session that the old one has written; then both continue.
async fn check<Old: View, New: View>(first: Old) {
    let written = first.value();
    let (spy, keys) = (Spy::new(MemoryStore::new()), KeyRing::generate().unwrap());
    let binary = || {
        SessionLayer::builder(spy.clone(), keys.clone())
            .local_development()
            .clock(TestClock::at(NOW))
            .build()
            .unwrap()
    };
    let stored = async || {
        let now = Timestamp::from_unix_seconds(NOW);
        spy.bytes("view.value", now).await
    };
    let log = Log::default();
    let _guard = log.start();

    let mut old = Client::behind(binary());
    old.insert(first).await;
    let bytes = stored().await;
    assert!(bytes.is_some());
    assert_eq!(log.lines().len(), 0);

    let mut new = old.at(&Client::behind(binary()));
    for _ in 0..3 {
        new.with(|view: &mut Session<New>| {
            assert_eq!(view.value(), None);
        })
        .await;
    }
    new.with(|view: &mut Session<New>| {
        let (text, count) = view.beside();
        assert_eq!(
            (text.as_str(), *count),
            ("beside", 1),
            "the other fields survive"
        );
        *count += 1;
        text.push('!');
    })
    .await;
    assert_eq!(
        stored().await,
        bytes,
        "what the new binary cannot read, it keeps"
    );

    let lines = log.lines();
    assert_eq!(
        lines.len(),
        1,
        "one line, not one for each request: {lines:#?}"
    );
    assert!(
        lines[0].contains("WARN") && lines[0].contains("view.value"),
        "{lines:?}"
    );
    assert!(lines[0].contains("another shape"), "{lines:?}");

    old.with(move |view: &mut Session<Old>| {
        assert_eq!(view.value(), written);
        let (text, count) = view.beside();
        assert_eq!((text.as_str(), *count), ("beside!", 2));
    })
    .await;
    assert_eq!(log.lines().len(), 1);
}

const NOW: u64 = 1_800_000_000;

/// The log of this thread, from warnings up.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn start(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(Level::WARN)
            .with_ansi(false)
            .with_writer(move || log.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    fn lines(&self) -> Vec<String> {
        let bytes = self.0.lock().unwrap();
        let text = String::from_utf8(bytes.clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
