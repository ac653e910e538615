//! A key ring in a file that is made when it is not there.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use zeroize::Zeroizing;

use super::{KeyRing, KeyRingError, text};
use crate::crypto::encoding;
use crate::crypto::key::Key;
use crate::crypto::random::random_bytes;

pub(super) fn open_or_make(path: &Path) -> Result<KeyRing, KeyRingError> {
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

fn read(path: &Path) -> Result<KeyRing, KeyRingError> {
    let keys = fs::read_to_string(path).map(Zeroizing::new);
    text::parse(&keys.map_err(KeyRingError::Io)?)
}

/// Under another name first: a process that starts at the same time finds no file or a whole one, and
/// the first file to be there stays.
fn make(path: &Path) -> Result<(), KeyRingError> {
    let no_randomness = |error| KeyRingError::Io(io::Error::other(error));
    let key = Key::generate().map_err(no_randomness)?;
    let mut line = encoding::encode_secret(key.as_bytes());
    line.push('\n');
    let suffix = random_bytes::<9>().map_err(no_randomness)?;
    let draft = path.with_extension(encoding::encode(&suffix));
    write_for_owner(&draft, line.as_bytes()).map_err(KeyRingError::Io)?;
    let linked = fs::hard_link(&draft, path);
    let _ = fs::remove_file(&draft);
    match linked {
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
