//! Errors that end a program: their `Debug` is the sentence.

use std::error::Error;
use std::fmt;

/// What `main -> Result<(), Box<dyn Error>>` prints for an error: its sentence, and those of its
/// sources.
pub(crate) fn write(f: &mut fmt::Formatter<'_>, error: &dyn Error) -> fmt::Result {
    write!(f, "{error}")?;
    let mut source = error.source();
    while let Some(error) = source {
        write!(f, ": {error}")?;
        source = error.source();
    }
    Ok(())
}

/// `Debug` of an error as [`write`] has it.
macro_rules! debug_as_sentence {
    ($error:ty) => {
        impl std::fmt::Debug for $error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                crate::sentence::write(f, self)
            }
        }
    };
}
pub(crate) use debug_as_sentence;

#[cfg(test)]
mod tests {
    use crate::crypto::KeyRing;

    #[test]
    fn an_error_that_ends_a_program_is_printed_as_a_sentence() {
        let error = KeyRing::parse("c2hvcnQ=").unwrap_err();
        assert_eq!(format!("{error:?}"), error.to_string());
        assert!(error.to_string().contains("openssl rand -base64 32"));
    }
}
