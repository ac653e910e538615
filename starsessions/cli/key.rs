//! Keys: made, and changed in a file without ending a session.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Subcommand;
use serde_json::json;
use starsessions::config::{Clock, SystemClock};
use starsessions::keys::Key;
use starsessions::{KeyRing, Timestamp};

use crate::failure::Failure;
use crate::output::Output;
use crate::{keys, time};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a key and print it, for SESSION_KEYS or a secret store
    New,
    /// Change the keys in a file in two steps, so that no session ends
    ///
    /// First without --activate: a new key is accepted. When every node has read the file, with --activate: it
    /// makes all new cookies, and the key before it is still accepted. Keys whose end has passed are dropped.
    Rotate {
        /// The file, as `KeyRing::from_file_or_new` keeps it
        file: PathBuf,
        /// The id of the key that becomes the active one, as the first step has printed it
        #[arg(long, value_name = "KEY_ID")]
        activate: Option<String>,
        /// How long the key that was active is accepted from now on, as `30d`: at least as long as a session
        /// can live. Without it, until it is removed
        #[arg(long, value_name = "TIME", value_parser = time::parse_duration, requires = "activate")]
        retire_after: Option<Duration>,
    },
}

pub(crate) fn run(command: &Command) -> Result<Output, Failure> {
    match command {
        Command::New => {
            let key = new_key()?;
            Ok(Output::new(json!({ "key": key, "key_id": id_of(&key)? })).line(key))
        }
        Command::Rotate {
            file,
            activate: None,
            ..
        } => add(file),
        Command::Rotate {
            file,
            activate: Some(key_id),
            retire_after,
        } => activate(file, key_id, *retire_after),
    }
}

/// Quotes a word for a shell.
fn quoted(word: &str) -> String {
    let is_plain = |it: char| it.is_alphanumeric() || "/._-".contains(it);
    if word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

fn add(path: &Path) -> Result<Output, Failure> {
    let mut ring = Ring::open(path)?;
    let key = new_key()?;
    let key_id = id_of(&key)?;
    ring.items.push(key);
    ring.write(path)?;
    let next = format!(
        "starsessions key rotate {} --activate {key_id}",
        quoted(&path.display().to_string())
    );
    let output = json!({ "added": key_id, "keys": ring.ids(), "next": next });
    Ok(Output::new(output)
        .about("added", &key_id)
        .about("keys", ring.ids().join(" "))
        .line(format!(
            "When every node has read the file again, make it the active key: {next}"
        )))
}

fn activate(path: &Path, key_id: &str, retire_after: Option<Duration>) -> Result<Output, Failure> {
    let mut ring = Ring::open(path)?;
    let place = ring.ids().iter().position(|known| known == key_id);
    let Some(place) = place else {
        return Err(Failure::not_found(format!(
            "{}: no key has the id `{key_id}`; the keys are {}",
            path.display(),
            ring.ids().join(", ")
        )));
    };
    if place > 0 {
        if ring.items.get(place).is_some_and(|item| item.contains('@')) {
            return Err(Failure::failed(format!(
                "{}: the key `{key_id}` is being retired: the file says when it ends; activate another one",
                path.display()
            )));
        }
        let next = ring.items.remove(place);
        if let (Some(after), Some(before)) = (retire_after, ring.items.first_mut()) {
            let end = (SystemClock.now() + after).as_unix_seconds();
            *before = format!("{before}@{end}");
        }
        ring.items.insert(0, next);
        ring.write(path)?;
    }
    let output = json!({ "active": key_id, "keys": ring.ids() });
    let output = Output::new(output)
        .about("active", key_id)
        .about("keys", ring.ids().join(" "));
    Ok(match place {
        0 => output
            .line("The key was active already, so the file did not change, and `--retire-after` has no effect."),
        _ => output,
    })
}

/// The keys of a file as they are written there, checked by the library, and the draft that replaces them.
struct Ring {
    items: Vec<String>,
    /// A failure counts only if the keys change.
    draft: Result<Draft, Failure>,
}

impl Ring {
    /// Reads the file, without the keys whose end has passed. The draft begins before the read, so that no other change
    /// is lost.
    fn open(path: &Path) -> Result<Self, Failure> {
        let draft = Draft::begin(path);
        let text = keys::read(path)?;
        KeyRing::parse(&text).map_err(|error| keys::of_file(path, &error))?;
        let now = SystemClock.now();
        // A byte order mark would move with the first key.
        let items = text.trim_start_matches('\u{feff}');
        let items = items.split(|c: char| c == ',' || c.is_ascii_whitespace());
        let items = items.filter(|item| !item.is_empty() && !has_ended(item, now));
        Ok(Self {
            items: items.map(str::to_owned).collect(),
            draft,
        })
    }

    fn ids(&self) -> Vec<String> {
        let ring = KeyRing::parse(&self.items.join(","));
        let ids = ring.iter().flat_map(KeyRing::key_ids);
        ids.map(|id| id.to_string()).collect()
    }

    /// A reader finds the old file or the new one.
    fn write(&mut self, path: &Path) -> Result<(), Failure> {
        let text = self.items.join("\n") + "\n";
        KeyRing::parse(&text).map_err(|error| keys::of_file(path, &error))?;
        let draft = self.draft.as_mut().map_err(|failure| failure.clone())?;
        let written = draft.publish(text.as_bytes());
        written.map_err(|error| unchanged(path, &error))
    }
}

fn has_ended(item: &str, now: Timestamp) -> bool {
    let end = item.split_once('@').and_then(|(_, end)| end.parse().ok());
    end.is_some_and(|end| Timestamp::from_unix_seconds(end) <= now)
}

fn unchanged(path: &Path, error: &io::Error) -> Failure {
    let cure = "the keys in it are as they were: run this as a user who may write its folder";
    keys::of_file(path, &format!("{error}; {cure}"))
}

/// The next content of a file. One draft of a file can exist at a time, so changes by several commands do not overwrite
/// each other.
struct Draft {
    file: File,
    path: PathBuf,
    original: PathBuf,
    is_published: bool,
}

impl Draft {
    fn begin(path: &Path) -> Result<Self, Failure> {
        // The file that a link leads to is replaced, not the link.
        let original = fs::canonicalize(path).map_err(|error| keys::unreadable(path, &error))?;
        let mut draft = original.clone().into_os_string();
        draft.push(".draft");
        let draft = PathBuf::from(draft);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&draft) {
            Ok(file) => Ok(Self {
                file,
                path: draft,
                original,
                is_published: false,
            }),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                let text = "another command is changing this file, or was interrupted; if none is running, delete";
                Err(keys::of_file(path, &format!("{text} {}", draft.display())))
            }
            Err(error) => Err(unchanged(path, &error)),
        }
    }

    fn publish(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.file.sync_all()?;
        keep_owner(&self.original, &self.path)?;
        fs::rename(&self.path, &self.original)?;
        self.is_published = true;
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_published {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// An administrator who changes the file of another user leaves it to that user, and to a group that alone may read it.
#[cfg(unix)]
fn keep_owner(from: &Path, to: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, chown};
    let (from, now) = (fs::metadata(from)?, fs::metadata(to)?);
    if (from.uid(), from.gid()) != (now.uid(), now.gid()) {
        chown(to, Some(from.uid()), Some(from.gid()))?;
    }
    match from.mode() & 0o007 {
        0 => fs::set_permissions(to, from.permissions()),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn keep_owner(_: &Path, _: &Path) -> io::Result<()> {
    Ok(())
}

fn new_key() -> Result<String, Failure> {
    Key::generate_base64().map_err(Failure::failed)
}

fn id_of(key: &str) -> Result<String, Failure> {
    let ring = KeyRing::parse(key).map_err(Failure::failed)?;
    Ok(ring.key_ids().map(|id| id.to_string()).collect())
}
