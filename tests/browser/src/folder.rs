//! Folders of a test's own.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder that is removed with everything in it.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// An empty folder.
    ///
    /// # Panics
    /// If there is no room for it.
    #[must_use]
    pub fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("starsessions-browser-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        // What is left of another process of this number, killed before it could tidy up.
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir(&path).expect("a folder in the temporary directory");
        Self(path)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Default for Folder {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The folder of the build: `target/debug`, above this test.
///
/// # Panics
/// If the test is not in one.
pub(crate) fn build() -> PathBuf {
    let test = std::env::current_exe().expect("a test has a path");
    let deps = test.parent().expect("it is in a folder");
    deps.parent().expect("of a build").to_owned()
}
