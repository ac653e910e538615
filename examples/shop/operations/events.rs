//! Tracks which sessions are in use. The metrics do not name sessions, so this module reads the library's log events.

use std::fmt::Debug;

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::Operations;

/// The `tracing` layer that receives the events.
struct Events(Operations);

/// The fields of an event. Sessions are named by their fingerprints.
#[derive(Default)]
struct Said {
    message: String,
    session: String,
    successor: String,
}

impl Operations {
    /// A layer for the application's `tracing` subscriber.
    pub(in super::super) fn events<S>(&self) -> impl Layer<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let sessions = Targets::new().with_target("starsessions::observe", Level::TRACE);
        Events(self.clone()).with_filter(sessions)
    }
}

impl<S: Subscriber> Layer<S> for Events {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut said = Said::default();
        event.record(&mut said);
        let mut history = self.0.history();
        match said.message.as_str() {
            "session loaded" | "session created" => history.used(said.session),
            "session has a new id" => {
                history.left(&said.session);
                history.used(said.successor);
            }
            "session ended" => history.left(&said.session),
            _ => {}
        }
    }
}

impl Visit for Said {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let said = match field.name() {
            "message" => &mut self.message,
            "session" => &mut self.session,
            "successor" => &mut self.successor,
            _ => return,
        };
        *said = format!("{value:?}");
    }
}
