//! The files that the store opens, and the errors for the others.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use rusqlite::Connection;
use starsessions::SqliteStore;
use starsessions::store::{IndexKey, Listing, Row, SetupError, Store, StoreError};
use starsessions::testing::conformance;
use starsessions_tests::logs::Logs;
use starsessions_tests::servers::Folder;
use starsessions_tests::shop;
use starsessions_tests::site::Site;

use super::{at, index, key, row};

fn error_of(path: impl AsRef<Path>) -> SetupError {
    SqliteStore::open(path).expect_err("this file must not be opened")
}

#[tokio::test]
async fn a_new_file_is_for_its_owner_alone() {
    let folder = Folder::new();
    let path = folder.join("a file with spaces, 'quotes' and ?marks=1.db");
    let store = SqliteStore::open(&path).unwrap();
    store.insert(&key(1), &row(1), at(0)).await.unwrap();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", entry.file_name());
        names.push(entry.file_name());
    }
    assert_eq!(names.len(), 3, "the file, its log, its map: {names:?}");
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_kept() {
    let folder = Folder::new();
    let path = folder.join("sessions.db");
    drop(SqliteStore::open(&path).unwrap());
    let database = Connection::open(&path).unwrap();
    database.pragma_update(None, "user_version", 9).unwrap();
    let error = error_of(&path);
    assert!(matches!(error, SetupError::Newer { found: 9, known: 2 }));
    assert_eq!(
        error.to_string(),
        "the tables of sessions have schema 9 and this version knows 2; update `starsessions`, or name another file or table"
    );
    database.pragma_update(None, "user_version", 2).unwrap();
    SqliteStore::open(&path).unwrap();
}

#[tokio::test]
async fn a_file_from_before_the_first_release_is_refused_and_kept() {
    let folder = Folder::new();
    let path = folder.join("sessions.db");
    let database = Connection::open(&path).unwrap();
    database
        .execute_batch(
            "PRAGMA application_id = 0x73746172; PRAGMA user_version = 1;
             CREATE TABLE sessions (fields); INSERT INTO sessions VALUES (1)",
        )
        .unwrap();
    let error = error_of(&path);
    assert!(matches!(error, SetupError::Unreleased));
    assert_eq!(
        error.to_string(),
        "the tables of sessions have a layout from before the first release of `starsessions`; drop them or move the file away, or name another one"
    );
    let count = "SELECT count(*) FROM sessions WHERE fields = 1";
    assert_eq!(database.query_row(count, [], |row| row.get(0)), Ok(1));
}

#[tokio::test]
async fn another_applications_database_is_refused_and_kept() {
    let folder = Folder::new();
    let path = folder.join("theirs.db");
    let theirs = Connection::open(&path).unwrap();
    theirs
        .execute_batch("CREATE TABLE sessions (a); INSERT INTO sessions VALUES (1)")
        .unwrap();
    let error = error_of(&path);
    assert!(
        matches!(&error, SetupError::Foreign(name) if Path::new(name) == path),
        "{error}"
    );
    let count = "SELECT count(*) FROM sessions WHERE a = 1";
    assert_eq!(theirs.query_row(count, [], |row| row.get(0)), Ok(1));
}

#[tokio::test]
async fn what_is_no_database_is_refused_and_kept() {
    let folder = Folder::new();
    let path = folder.join("letter.txt");
    let letter = "Dear Ada, ".repeat(1_000);
    std::fs::write(&path, &letter).unwrap();
    assert!(matches!(error_of(&path), SetupError::Corrupt(_)));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), letter);

    assert!(matches!(
        error_of(folder.path()),
        SetupError::Unavailable(_)
    ));
    let nowhere = folder.join("nowhere").join("sessions.db");
    assert!(matches!(error_of(nowhere), SetupError::Unavailable(_)));
}

/// Each connection would have a separate in-memory database, and only the first would have tables.
#[tokio::test]
async fn what_sqlite_takes_for_no_path_is_refused_and_makes_no_file() {
    for name in [
        ":memory:",
        "file:sessions.db?mode=memory",
        "sqlite:sessions.db",
        "sqlite::memory:",
    ] {
        let error = error_of(name);
        assert!(matches!(error, SetupError::Unavailable(_)));
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("`MemoryStore`"), "{cause}");
        assert!(!Path::new(name).exists());
    }
}

#[tokio::test]
async fn a_timeout_without_end_is_taken() {
    let folder = Folder::new();
    let builder = SqliteStore::builder(folder.join("sessions.db"));
    let store = builder.busy_timeout(Duration::MAX).open().unwrap();
    store.insert(&key(1), &row(1), at(0)).await.unwrap();
}

#[tokio::test]
async fn what_is_not_a_row_is_corrupt_and_can_be_removed() {
    let folder = Folder::new();
    let path = folder.join("sessions.db");
    let store = SqliteStore::open(&path).unwrap();
    let database = Connection::open(&path).unwrap();
    let logs = Logs::capture();
    for damage in ["x'00'", "CAST(index_keys || x'00' AS BLOB)"] {
        store.insert(&key(1), &row(1), at(0)).await.unwrap();
        let spoil = format!("UPDATE sessions SET index_keys = {damage}");
        assert_eq!(database.execute(&spoil, []), Ok(1));
        let loaded = store.load(&key(1), at(1)).await;
        assert!(
            matches!(loaded, Err(StoreError::Corrupt(_))),
            "{damage}: {loaded:?}"
        );
        // The user's other sessions are still listed.
        store.insert(&key(2), &row(2), at(0)).await.unwrap();
        let listed = store.listed(&index(), at(1)).await.unwrap();
        let keys: Vec<_> = listed.iter().map(|listed| listed.key).collect();
        assert_eq!(keys, [key(2)], "{damage}");
        store.remove(&key(2)).await.unwrap();
        assert_eq!(store.remove(&key(1)).await.unwrap(), None);
        assert_eq!(store.load(&key(1), at(1)).await.unwrap(), None);
        assert_eq!(store.listed(&index(), at(1)).await.unwrap(), []);
    }
    assert_eq!(logs.with(&["ERROR"]).len(), 1, "{}", logs.text());
}

/// A page in the middle is overwritten. Reading it is an error and never returns a session.
#[tokio::test]
async fn a_damaged_file_is_an_error_and_never_another_session() {
    let folder = Folder::new();
    let path = folder.join("sessions.db");
    let store = SqliteStore::open(&path).unwrap();
    for number in 0..500 {
        store
            .insert(&key(number), &row(number), at(0))
            .await
            .unwrap();
    }
    drop(store);
    let mut bytes = std::fs::read(&path).unwrap();
    let pages = bytes.len() / 4_096;
    assert!(pages > 10, "{pages}");
    for page in 2..pages {
        bytes[page * 4_096..][..64].fill(0xAA);
    }
    std::fs::write(&path, bytes).unwrap();
    let Ok(store) = SqliteStore::open(&path) else {
        return;
    };
    let mut errors = 0;
    for number in 0..500 {
        match store.load(&key(number), at(1)).await {
            Ok(Some(found)) => assert_eq!(found, row(number), "{number}"),
            Ok(None) => {}
            Err(StoreError::Unavailable(_)) => errors += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!(errors > 0);
}

/// A damaged file is a failing store. As a guest, the user would get a new session, and the old one would be lost even
/// if the file is restored.
#[tokio::test]
async fn the_user_of_a_damaged_file_is_no_guest_and_is_still_signed_in_when_it_is_restored() {
    let folder = Folder::new();
    let path = folder.join("sessions.db");
    let site = Site::on(SqliteStore::open(&path).unwrap());
    let mut browser = site.serve(shop::with_logout());
    browser.post("/login/7").await;
    let database = Connection::open(&path).unwrap();
    let move_to_the_file = "PRAGMA wal_checkpoint(TRUNCATE)";
    database
        .query_row(move_to_the_file, [], |_| Ok(()))
        .unwrap();
    let intact = std::fs::read(&path).unwrap();
    let mut damaged = intact.clone();
    for page in damaged.chunks_mut(4_096).skip(1) {
        page[..64].fill(0xAA);
    }
    std::fs::write(&path, damaged).unwrap();
    let logs = Logs::capture();
    for reply in [browser.get("/me").await, browser.post("/logout").await] {
        assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE, "{reply:?}");
        assert_eq!(reply.set_cookies(), [""; 0]);
    }
    let said = ["the session store has failed", "malformed"];
    assert!(!logs.with(&said).is_empty(), "{}", logs.text());
    std::fs::write(&path, intact).unwrap();
    // This write makes the store's connections forget the damaged pages that they have read.
    let write = "UPDATE sessions SET last_seen = last_seen";
    assert_eq!(database.execute(write, []), Ok(1));
    assert_eq!(browser.get("/me").await.body, "7");
}

/// As after a restore of some tables only.
#[tokio::test]
async fn tables_that_are_missing_are_made_again_with_their_entries() {
    let folder = Folder::new();
    let path = folder.join("sessions.db");
    let other = IndexKey::from_bytes([8; IndexKey::LEN]);
    let mut twice = row(2);
    twice.listing = Some(Arc::new(Listing::new(vec![index(), other], *b"card")));
    let guest = Row::new(*b"guest", at(0), at(100));
    let store = SqliteStore::open(&path).unwrap();
    for (number, row) in [(1, &row(1)), (2, &twice), (3, &guest)] {
        store.insert(&key(number), row, at(0)).await.unwrap();
    }
    drop(store);
    for loss in ["DROP TABLE session_index", "DELETE FROM session_index"] {
        Connection::open(&path)
            .unwrap()
            .execute_batch(loss)
            .unwrap();
        let store = SqliteStore::open(&path).unwrap();
        for (index_key, sessions) in [(index(), 2), (other, 1)] {
            let listed = store.listed(&index_key, at(1)).await.unwrap();
            assert_eq!(listed.len(), sessions, "{loss}");
        }
    }
    Connection::open(&path)
        .unwrap()
        .execute_batch("PRAGMA foreign_keys = OFF; DROP TABLE sessions")
        .unwrap();
    conformance::run(&SqliteStore::open(&path).unwrap()).await;
}

/// Checks the text that `main -> Result<(), Box<dyn Error>>` prints.
#[test]
fn a_folder_that_is_missing_is_said_in_a_sentence() {
    let folder = Folder::new();
    let opened = SqliteStore::open(folder.path().join("missing/sessions.db"));
    let error = opened.unwrap_err();
    let (debug, sentence) = (format!("{error:?}"), error.to_string());
    assert!(debug.starts_with(&sentence), "{debug}");
}
