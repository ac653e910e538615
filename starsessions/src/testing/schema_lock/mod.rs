//! A test for applications: values in live sessions stay readable.

mod compare;
mod text;

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::{env, fs};

use self::compare::compare;
use self::text::{Lock, Recorded};
use crate::schema::{FieldSpec, Merge, SessionData};
use crate::sentence::debug_as_sentence;

/// Records every stored field of session types in a small text file, to be committed. Fails a test if a change lacks
/// `version` and `migrate`, or `alias`, and would make live sessions unreadable, or if they would be turned away for
/// lack of a `required` field.
///
/// ```no_run
/// use starsessions::{Session, testing::SchemaLock};
///
/// # mod my {
/// # use starsessions::Session;
/// #[derive(Session)]
/// pub struct Shop {
///     cart: Vec<u32>,
/// }
///
/// #[derive(Session)]
/// pub struct Login {
///     #[session(required, rotate)]
///     user: u64,
/// }
/// # }
/// # use my::{Shop, Login};
///
/// #[test]
/// fn live_sessions_stay_readable() {
///     SchemaLock::new("sessions.lock").view::<Shop>().view::<Login>().check();
/// }
/// ```
///
/// The file holds sample values of each field as they are stored, no real ones. A type may be renamed, moved or
/// replaced, as long as the field still reads the samples; a change deep inside of the type is detected.
///
/// Run the test with `UPDATE_SCHEMA=1` in the environment to record the new schema, and commit the file with the
/// change. Only `UPDATE_SCHEMA=force` records a change that breaks live sessions: for an application that has no
/// sessions yet.
///
/// # What it cannot see
///
/// A type that accepts no sample value is compared by its name only. The functions `migrate` and `validate` are not
/// called.
#[derive(Debug)]
#[must_use = "nothing is compared until `check` is called"]
pub struct SchemaLock {
    path: PathBuf,
    fields: Vec<&'static FieldSpec>,
}

impl SchemaLock {
    /// A lock in this file. A relative path starts at the folder of the package, where cargo runs its tests.
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self {
            path: path.as_ref().to_owned(),
            fields: Vec::new(),
        }
    }

    /// Adds the fields of a session type. Add every type: a field in no type counts as removed.
    pub fn view<T: SessionData>(mut self) -> Self {
        self.fields.extend(T::SCHEMA.fields);
        self
    }

    /// Compares the types with the file, or updates it as the variable `UPDATE_SCHEMA` says.
    ///
    /// # Panics
    /// If the file does not match the types, with a sentence for each field that also says the cure.
    #[track_caller]
    #[expect(clippy::panic, reason = "a test that has found something has failed")]
    pub fn check(self) {
        let update = match env::var(VARIABLE).as_deref() {
            Ok("force") => UpdateSchema::All,
            Err(_) | Ok("" | "0") => UpdateSchema::Nothing,
            Ok(_) => UpdateSchema::Compatible,
        };
        if let Err(error) = self.compare(update) {
            panic!("{error}");
        }
    }

    /// Compares the types with the file, or updates the file as `update` says: for a test that decides about updates in
    /// its own way.
    ///
    /// # Errors
    /// [`SchemaLockError`] if the file cannot be read or written, or does not match the types.
    pub fn compare(&self, update: UpdateSchema) -> Result<(), SchemaLockError> {
        let before = match fs::read_to_string(&self.path) {
            Ok(text) => Lock::parse(&text).map_err(|line| self.error(Problem::Line(line)))?,
            Err(error) if error.kind() == ErrorKind::NotFound => Lock::default(),
            Err(error) => return Err(self.error(Problem::Io(error))),
        };
        let now = recorded(&self.fields);
        let (after, changes) = compare(&before, &now);
        let is_kept_out = |change: &SchemaChange| match update {
            UpdateSchema::Nothing => true,
            UpdateSchema::Compatible => change.breaks_sessions,
            UpdateSchema::All => false,
        };
        let is_new = !changes.is_empty();
        let kept_out: Vec<_> = changes.into_iter().filter(is_kept_out).collect();
        if !kept_out.is_empty() {
            return Err(self.error(Problem::Changes(kept_out)));
        }
        if is_new {
            let written = fs::write(&self.path, after.to_string());
            written.map_err(|error| self.error(Problem::Io(error)))?;
        }
        Ok(())
    }

    fn error(&self, problem: Problem) -> SchemaLockError {
        SchemaLockError {
            path: self.path.clone(),
            problem,
        }
    }
}

/// The differences that are written into the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateSchema {
    /// Nothing: each difference is an error.
    Nothing,
    /// The differences that do not break live sessions.
    Compatible,
    /// All differences: values that are no longer readable count as absent.
    All,
}

/// One difference between the types and the file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaChange {
    /// The stored name of the field.
    pub field: String,
    /// Whether values in live sessions would become unreadable, or requests with these sessions would be turned away.
    pub breaks_sessions: bool,
    sentence: String,
}

/// Shows the change and the cure.
impl fmt::Display for SchemaChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

/// The file does not match the types, or cannot be read or written.
pub struct SchemaLockError {
    path: PathBuf,
    problem: Problem,
}

enum Problem {
    Io(std::io::Error),
    /// The number of a line that is malformed.
    Line(usize),
    Changes(Vec<SchemaChange>),
}

impl SchemaLockError {
    /// The differences; none if the file itself is the problem.
    #[must_use]
    pub fn changes(&self) -> &[SchemaChange] {
        match &self.problem {
            Problem::Changes(changes) => changes,
            Problem::Io(_) | Problem::Line(_) => &[],
        }
    }
}

debug_as_sentence!(SchemaLockError);

impl fmt::Display for SchemaLockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.problem {
            Problem::Io(error) => write!(
                f,
                "{path}: {error}; name a file that this test may read and write, in an existing folder"
            ),
            Problem::Line(line) => write!(
                f,
                "{path}: line {line} is not one that this test writes; take the file from version control again"
            ),
            Problem::Changes(changes) => {
                for change in changes {
                    writeln!(f, "{path}: {change}")?;
                }
                let is_compatible = changes.iter().all(|change| !change.breaks_sessions);
                f.write_str(if is_compatible {
                    "live sessions survive this: run the test with UPDATE_SCHEMA=1, and commit the file"
                } else {
                    "live sessions do not survive this: fix it, then run the test with UPDATE_SCHEMA=1 (an \
                     application without sessions may take UPDATE_SCHEMA=force)"
                })
            }
        }
    }
}

impl Error for SchemaLockError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.problem {
            Problem::Io(error) => Some(error),
            Problem::Line(_) | Problem::Changes(_) => None,
        }
    }
}

/// A field as it is now.
struct Current {
    specs: Vec<&'static FieldSpec>,
    recorded: Recorded,
}

/// The fields by stored name. A name in two types is one field.
fn recorded(fields: &[&'static FieldSpec]) -> BTreeMap<&'static str, Current> {
    let mut all = BTreeMap::<_, Current>::new();
    for spec in fields {
        let recorded = Recorded {
            is_removed: false,
            version: spec.version,
            codec: format!("{:?}", spec.field_type.format()).to_lowercase(),
            merge: merge_of(spec).to_owned(),
            is_required: spec.required,
            is_index: spec.index,
            type_name: spec.field_type.name().to_owned(),
            samples: spec.field_type.samples(),
        };
        match all.get_mut(spec.name) {
            Some(known) => {
                known.specs.push(spec);
                known.recorded.samples.extend(recorded.samples);
                known.recorded.is_required |= recorded.is_required;
                known.recorded.is_index |= recorded.is_index;
            }
            None => {
                let specs = vec![*spec];
                all.insert(spec.name, Current { specs, recorded });
            }
        }
    }
    all
}

fn merge_of(spec: &FieldSpec) -> &'static str {
    match spec.merge {
        _ if spec.flash => "flash",
        Merge::Last => "last",
        Merge::Exclusive => "exclusive",
        Merge::With(_) => "merged",
    }
}

const VARIABLE: &str = "UPDATE_SCHEMA";
