//! Finds the programs of servers.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A program that tests start.
#[derive(Clone, Debug)]
pub struct Program(PathBuf);

impl Program {
    /// Looks in `PATH`, in Debian's folders for servers, and in the folders where `tests/run servers` puts programs
    /// that Debian lacks.
    ///
    /// # Panics
    /// If the program is missing. The message says what to install.
    #[must_use]
    pub fn find(name: &str) -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found = std::env::split_paths(&path)
            .chain(["/usr/sbin".into(), "/usr/local/sbin".into()])
            .chain(folders("/usr/lib/postgresql", "bin"))
            .map(|folder| folder.join(name))
            .find(|program| program.is_file());
        match found {
            Some(program) => Self(program),
            None => panic!("{name} is missing; install it with: tests/run servers"),
        }
    }

    /// Looks among the programs that `tests/run servers` has put beside the build. `package` is a folder there.
    ///
    /// # Panics
    /// If the program is missing. The message says what to install.
    #[must_use]
    pub fn bundled(package: &str, name: &str) -> Self {
        let test = std::env::current_exe().expect("a test has a path");
        let place = Path::new("servers").join(package);
        let found = test
            .ancestors()
            .map(|folder| folder.join(&place))
            .find(|folder| folder.is_dir())
            .and_then(|folder| beneath(&folder, name));
        match found {
            Some(program) => Self(program),
            None => panic!("{name} of {package} is missing; install it with: tests/run servers"),
        }
    }

    /// A command that runs the program.
    #[must_use]
    pub fn command(&self) -> Command {
        Command::new(&self.0)
    }

    /// A command that runs the program as an unprivileged user if this user is root, because some servers refuse to run
    /// as root.
    #[must_use]
    pub fn unprivileged(&self) -> Command {
        if !is_root() {
            return self.command();
        }
        let mut command = Command::new("setpriv");
        command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]);
        command.arg(&self.0);
        command
    }
}

pub(super) fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().expect("id");
    id.stdout == b"0\n"
}

fn folders(parent: &str, child: &str) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    entries.map(move |entry| entry.path().join(child))
}

fn beneath(folder: &Path, name: &str) -> Option<PathBuf> {
    let entries: Vec<_> = std::fs::read_dir(folder).ok()?.flatten().collect();
    let paths = || entries.iter().map(std::fs::DirEntry::path);
    paths()
        .find(|path| path.is_file() && path.ends_with(name))
        .or_else(|| {
            paths()
                .filter(|path| path.is_dir())
                .find_map(|path| beneath(&path, name))
        })
}
