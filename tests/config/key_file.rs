//! `KeyRing::from_file_or_new`.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use starsessions::KeyRing;
use starsessions::keys::{Key, KeyRingError};
use starsessions_tests::servers::Folder;

/// The public ids of a ring's keys, which distinguish two rings.
fn ids(ring: &KeyRing) -> String {
    format!("{ring:?}")
}

#[test]
fn a_file_is_made_once_and_for_its_owner() {
    let folder = Folder::new();
    let path = folder.join("keys");
    let open = || ids(&KeyRing::from_file_or_new(&path).unwrap());
    let first = open();
    assert_eq!(open(), first);
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let files = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files, 1, "no draft is left");
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(ids(&KeyRing::parse(&text).unwrap()), first);
}

#[test]
fn who_starts_at_the_same_time_has_the_same_keys() {
    let folder = Folder::new();
    let path = folder.join("keys");
    let open = || ids(&KeyRing::from_file_or_new(&path).unwrap());
    let rings: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|it| it.join().unwrap()).collect()
    });
    assert!(rings.iter().all(|ring| *ring == rings[0]), "{rings:?}");
}

/// Editors and shells of Windows write line ends of two characters, a byte order mark, or UTF-16.
#[test]
fn a_file_from_windows_is_read_or_its_encoding_is_named() {
    let folder = Folder::new();
    let path = folder.join("keys");
    let keys = [(); 2].map(|()| Key::generate_base64().unwrap());
    let expected = ids(&KeyRing::parse(&keys.join(",")).unwrap());
    let text = format!("\u{feff}{} \r\n{}\t\r\n", keys[0], keys[1]);
    std::fs::write(&path, &text).unwrap();
    assert_eq!(ids(&KeyRing::from_file_or_new(&path).unwrap()), expected);

    for utf_16 in [u16::to_le_bytes, u16::to_be_bytes] {
        let bytes: Vec<u8> = text.encode_utf16().flat_map(utf_16).collect();
        std::fs::write(&path, &bytes).unwrap();
        let error = KeyRing::from_file_or_new(&path).unwrap_err();
        let KeyRingError::File { reason, .. } = &error else {
            panic!("{error}");
        };
        assert!(matches!(**reason, KeyRingError::NotUnicode), "{error}");
        assert!(error.to_string().contains("in UTF-8"), "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
}

#[test]
fn an_error_names_the_file_and_keeps_what_is_in_it() {
    let folder = Folder::new();
    let path = folder.join("keys");
    std::fs::write(&path, "c2hvcnQ=").unwrap();
    let error = KeyRing::from_file_or_new(&path).unwrap_err();
    assert!(matches!(error, KeyRingError::File { .. }), "{error}");
    let shown = error.to_string();
    assert!(shown.contains("keys: key 1: "), "{shown}");
    assert!(!shown.contains("c2hvcnQ="), "{shown}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "c2hvcnQ=");

    let nowhere = folder.join("nowhere").join("keys");
    let shown = KeyRing::from_file_or_new(&nowhere).unwrap_err().to_string();
    assert!(shown.contains("in an existing folder"), "{shown}");
}

/// The variable with the path of the file that cannot be written.
const FULL: &str = "STARSESSIONS_FULL_KEYS";

/// A supervisor restarts an application whose disk is full; the start runs in a process whose files hold no byte.
#[test]
fn a_start_that_cannot_write_leaves_no_draft() {
    if let Some(path) = std::env::var_os(FULL) {
        let shown = KeyRing::from_file_or_new(path).unwrap_err().to_string();
        assert!(shown.contains("keys: File too large"), "{shown}");
        return;
    }
    let folder = Folder::new();
    let output = Command::new("sh")
        .arg("-c")
        // With the signal ignored, the write returns an error.
        .arg(r#"trap '' XFSZ; ulimit -f 0; exec "$0" --exact key_file::a_start_that_cannot_write_leaves_no_draft"#)
        .arg(std::env::current_exe().unwrap())
        .env(FULL, folder.join("keys"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
