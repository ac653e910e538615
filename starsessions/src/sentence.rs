//! How errors and secrets are printed: an error as its sentence, even by `Debug`, and a secret as its name.

use std::error::Error;
use std::fmt;

/// An error and its sources, as [`write()`] prints them.
pub(crate) struct Said<'a>(pub(crate) &'a dyn Error);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write(f, self.0)
    }
}

/// Writes what `main -> Result<(), Box<dyn Error>>` prints for an error: its sentence, and those of its sources.
pub(crate) fn write(f: &mut fmt::Formatter<'_>, error: &dyn Error) -> fmt::Result {
    let mut said = error.to_string();
    f.write_str(&said)?;
    let mut source = error.source();
    while let Some(error) = source {
        let next = error.to_string();
        // Some errors of other crates end with the text of their source.
        if !said.ends_with(&next) {
            write!(f, ": {next}")?;
        }
        said = next;
        source = error.source();
    }
    Ok(())
}

/// Implements `Display` and `Error`: a sentence for each case, and its source, if it has one.
macro_rules! sentences {
    ($error:ty: $(
        $(#[$when:meta])* $case:pat $(if $guard:expr)? => $sentence:literal $(with $part:expr)? $(, from $source:expr)?;
    )+) => {
        impl std::fmt::Display for $error {
            #[allow(unused_variables, reason = "a sentence need not use each part of a case")]
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self {
                    $($(#[$when])* $case $(if $guard)? => write!(f, $sentence $(, $part)?),)+
                }
            }
        }

        impl std::error::Error for $error {
            #[allow(unused_variables, reason = "a part that is shown need not be the source")]
            fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
                match self {
                    $($(#[$when])* $case $(if $guard)? => crate::sentence::sentences!(@source $($source)?),)+
                }
            }
        }
    };
    (@source) => { None };
    (@source $source:expr) => { Some($source) };
}
pub(crate) use sentences;

/// Implements `Debug` of an error, as [`write()`] prints it.
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

/// Implements `Debug` of a secret, or of a type with nothing to show, as the name alone.
macro_rules! debug_as_name {
    ($name:ident $(<$generic:tt>)?) => {
        impl$(<$generic>)? std::fmt::Debug for $name$(<$generic>)? {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(..)"))
            }
        }
    };
}
pub(crate) use debug_as_name;

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::{fmt, io};

    use super::Said;

    /// Like the errors of some clients, it ends with the text of its source.
    #[derive(Debug)]
    struct Wordy(io::Error);

    impl fmt::Display for Wordy {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "no connection: {}", self.0)
        }
    }

    impl Error for Wordy {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[derive(Debug)]
    enum Case {
        Plain(u8),
        Caused(io::Error),
    }

    super::sentences! { Case:
        Self::Plain(number) => "case {number}";
        Self::Caused(source) => "it has a cause", from source;
    }

    #[test]
    fn a_case_has_its_sentence_and_its_source() {
        let plain = Case::Plain(7);
        assert_eq!(plain.to_string(), "case 7");
        assert!(plain.source().is_none());
        let caused = Case::Caused(io::Error::other("refused"));
        assert_eq!(Said(&caused).to_string(), "it has a cause: refused");
    }

    #[test]
    fn a_source_is_said_once() {
        let error = Wordy(io::Error::other("refused"));
        assert_eq!(Said(&error).to_string(), "no connection: refused");
        let error = io::Error::other(error);
        assert_eq!(Said(&error).to_string(), "no connection: refused");
    }
}
