//! Why a command has not done what it was asked to do.

use std::error::Error;
use std::io::Write;
use std::process::ExitCode;

use starsessions::SessionError;
use starsessions::store::StoreError;

/// One sentence with the cure, and the exit code.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    code: u8,
    sentence: String,
}

impl Failure {
    /// What was given cannot be used.
    pub(crate) fn failed(sentence: impl Into<String>) -> Self {
        Self::new(1, sentence)
    }

    /// The command line is wrong, in a way that its parser does not see.
    pub(crate) fn usage(sentence: impl Into<String>) -> Self {
        Self::new(2, sentence)
    }

    /// There is no such thing.
    pub(crate) fn not_found(sentence: impl Into<String>) -> Self {
        Self::new(NOT_FOUND, sentence)
    }

    /// The store cannot be reached, or has failed.
    pub(crate) fn store(error: &(dyn Error + 'static)) -> Self {
        Self::new(4, with_causes(error))
    }

    fn new(code: u8, sentence: impl Into<String>) -> Self {
        let sentence = sentence.into();
        Self { code, sentence }
    }

    /// Says why, on the standard error.
    pub(crate) fn report(&self) -> ExitCode {
        // Without a reader there is nothing to say it to.
        let _ = writeln!(std::io::stderr(), "error: {}", self.sentence);
        ExitCode::from(self.code)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::store(&error)
    }
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        match &error {
            SessionError::Unavailable(source) => Self::store(&**source),
            other => Self::failed(other.to_string()),
        }
    }
}

/// An error, and in brackets what has caused it, as one line.
fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let said = error.to_string();
        if !text.contains(&said) {
            text = format!("{text} ({said})");
        }
        cause = error.source();
    }
    text.replace(char::is_control, " ")
}

/// Also of a command that has told what it has found.
pub(crate) const NOT_FOUND: u8 = 3;
