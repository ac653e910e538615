//! The keys of the application, which no command shows.

use std::fs;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use clap::Args;
use starsessions::KeyRing;
use starsessions::keys::KeyRingError;

use crate::failure::Failure;

/// Where the keys are.
#[derive(Args, Debug)]
pub(crate) struct Keys {
    /// The file that holds the keys
    #[arg(long, value_name = "FILE", conflicts_with = "keys_env")]
    keys: Option<PathBuf>,
    /// The environment variable that holds the keys
    #[arg(long, value_name = "NAME", default_value = "SESSION_KEYS")]
    keys_env: String,
}

impl Keys {
    pub(crate) fn read(&self) -> Result<KeyRing, Failure> {
        match &self.keys {
            Some(path) => Ok(KeyRing::parse(&read(path)?).map_err(|error| of_file(path, &error))?),
            None => KeyRing::from_env(&self.keys_env).map_err(|error| {
                Failure::failed(format!("{error}; or name their file with `--keys FILE`"))
            }),
        }
    }
}

/// The text of a file of keys. A missing file is an error, and is not created.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|error| match error.kind() {
        ErrorKind::InvalidData => of_file(path, &KeyRingError::NotUnicode),
        _ => unreadable(path, &error),
    })
}

pub(crate) fn unreadable(path: &Path, error: &Error) -> Failure {
    let cure = "name a file of keys that this user may read";
    of_file(path, &format!("{error}; {cure}"))
}

pub(crate) fn of_file(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::failed(format!("{}: {error}", path.display()))
}
