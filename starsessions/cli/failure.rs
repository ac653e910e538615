//! Why a command has not done what it was asked to do.

use std::fmt::{Debug, Display};
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
    /// An argument or the input cannot be used.
    pub(crate) fn failed(sentence: impl Display) -> Self {
        Self::new(1, sentence)
    }

    /// The command line is wrong, in a way that its parser does not see.
    pub(crate) fn usage(sentence: impl Display) -> Self {
        Self::new(2, sentence)
    }

    /// There is no such thing.
    pub(crate) fn not_found(sentence: impl Display) -> Self {
        Self::new(NOT_FOUND, sentence)
    }

    /// The store cannot be reached, or has failed.
    pub(crate) fn store(error: impl Debug) -> Self {
        // `Debug` of the library's errors is their sentence with those of the causes. An error is one line.
        Self::new(4, format!("{error:?}").replace(char::is_control, " "))
    }

    fn new(code: u8, sentence: impl Display) -> Self {
        let sentence = sentence.to_string();
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
        Self::store(error)
    }
}

impl From<SessionError> for Failure {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Unavailable(source) => Self::store(source),
            other => Self::failed(other),
        }
    }
}

/// The exit code of a command that has found nothing, also if it has printed a result.
pub(crate) const NOT_FOUND: u8 = 3;
