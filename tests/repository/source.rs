//! The repository's own files.

use std::fs;
use std::path::{Path, PathBuf};

/// A Rust file, with its path below the repository.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) path: String,
    text: String,
}

impl File {
    /// The numbered lines of code, without comments and tests.
    ///
    /// By the rules of this repository, a test module is the last item of its file.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self.text.find("\n#[cfg(test)]\nmod ");
        let is_declaration = end.is_some_and(|end| {
            let module = self.text[end..].lines().nth(2).unwrap_or_default();
            module.ends_with(';')
        });
        let code = match end {
            Some(end) if !is_declaration => &self.text[..end],
            _ => &self.text,
        };
        (1..)
            .zip(code.lines())
            .map(|(number, line)| (number, line.split("//").next().unwrap_or_default().trim()))
            .filter(|(_, line)| !line.is_empty())
    }
}

/// The text of a file.
pub(crate) fn read(path: &str) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The Rust files below a folder, sorted, without test files.
pub(crate) fn files(folder: &str) -> Vec<File> {
    let mut paths = Vec::new();
    collect(&root().join(folder), &mut paths);
    paths.sort();
    assert!(!paths.is_empty(), "{folder} has no Rust files");
    paths
        .iter()
        .map(|path| File {
            path: relative(path),
            text: fs::read_to_string(path).unwrap(),
        })
        .filter(|file| !file.path.ends_with("/tests.rs") && !file.path.contains("/tests/"))
        .collect()
}

/// The paths of those files.
pub(crate) fn paths(folder: &str) -> Vec<String> {
    files(folder).into_iter().map(|file| file.path).collect()
}

/// The text of a file, or of all Rust files below a folder; `None` if there is neither.
pub(crate) fn text_of(path: &str) -> Option<String> {
    match fs::metadata(root().join(path)).ok()?.is_dir() {
        true => Some(text_below(path)),
        false => Some(read(path)),
    }
}

/// The text of all Rust files below a folder.
pub(crate) fn text_below(folder: &str) -> String {
    files(folder).into_iter().map(|file| file.text).collect()
}

fn collect(folder: &Path, paths: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, paths);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            paths.push(path);
        }
    }
}

fn relative(path: &Path) -> String {
    let path = path.strip_prefix(root()).unwrap();
    path.to_str().unwrap().replace('\\', "/")
}

fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap().to_owned()
}
