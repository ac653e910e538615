//! A key ring in a file, which is created if it does not exist.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use zeroize::Zeroizing;

use super::{KeyRing, KeyRingError};
use crate::crypto::encoding;
use crate::crypto::key::Key;
use crate::crypto::random::random_bytes;

impl KeyRing {
    /// The ring in a file, in the form of [`parse`](Self::parse). If there is no file, this creates one with a new key,
    /// readable by its owner only: for an application on one machine whose sessions survive a restart without a key
    /// that was made by hand.
    ///
    /// A process that can read the file can make cookies that this ring accepts; keep the file out of backups that hold
    /// the sessions as well.
    ///
    /// # Errors
    /// [`KeyRingError::File`], which names the file and what is wrong with it, and never shows a key.
    ///
    /// ```no_run
    /// use starsessions::KeyRing;
    ///
    /// # fn main() -> Result<(), starsessions::keys::KeyRingError> {
    /// let keys = KeyRing::from_file_or_new("session-keys")?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_file_or_new(path: impl AsRef<Path>) -> Result<Self, KeyRingError> {
        let path = path.as_ref();
        let ring = match read(path) {
            Err(KeyRingError::Io(error)) if error.kind() == ErrorKind::NotFound => {
                make(path).and_then(|()| read(path))
            }
            result => result,
        };
        ring.map_err(|reason| KeyRingError::File {
            path: path.to_owned(),
            reason: Box::new(reason),
        })
    }
}

fn read(path: &Path) -> Result<KeyRing, KeyRingError> {
    let keys = fs::read_to_string(path).map(Zeroizing::new);
    let keys = keys.map_err(|error| match error.kind() {
        ErrorKind::InvalidData => KeyRingError::NotUnicode,
        _ => KeyRingError::Io(error),
    });
    KeyRing::parse(&keys?)
}

/// Writes the file under another name and links it into place: a process that starts at the same time finds no file or
/// a complete one, and the first file stays.
fn make(path: &Path) -> Result<(), KeyRingError> {
    let no_randomness = |error| KeyRingError::Io(io::Error::other(error));
    let key = Key::generate().map_err(no_randomness)?;
    let mut line = encoding::encode_secret(key.as_bytes());
    line.push('\n');
    let suffix = random_bytes::<9>().map_err(no_randomness)?;
    let draft = path.with_extension(encoding::encode(&suffix));
    let written = write_for_owner(&draft, line.as_bytes());
    let made = written.and_then(|()| fs::hard_link(&draft, path));
    let _ = fs::remove_file(&draft);
    match made {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(KeyRingError::Io(error)),
        _ => Ok(()),
    }
}

fn write_for_owner(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
