//! Guarantees for sessions of other Rust libraries in a read-only table.

use http::Method;
use starsessions::takeover::{AxumSession, Database, Source, TowerSessions};
use starsessions::testing::TestSessions;
use starsessions_tests::client::Client;
use starsessions_tests::logs::Logs;
use starsessions_tests::servers::Folder;

use super::source::{routes, take_both};

const TOWER: &str = "AAECAwQFBgcICQoLDA0ODw";
const AXUM: &str = "0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d";

/// Tables with one session of each library, both of user 7.
fn tables(folder: &Folder) -> Database {
    let path = folder.join("former.db");
    let file = rusqlite::Connection::open(&path).unwrap();
    let script = "
        CREATE TABLE tower_sessions (id TEXT PRIMARY KEY, data BLOB NOT NULL, expiry_date INTEGER NOT NULL);
        CREATE TABLE sessions (id TEXT PRIMARY KEY, expires INTEGER NULL, session TEXT NOT NULL);
        CREATE TRIGGER a BEFORE DELETE ON tower_sessions BEGIN SELECT RAISE(ABORT, 'kept'); END;
        CREATE TRIGGER b BEFORE DELETE ON sessions BEGIN SELECT RAISE(ABORT, 'kept'); END;";
    file.execute_batch(script).unwrap();
    // MessagePack: the id, the values, and the expiry, the first day of 2040.
    let mut record = vec![0x93, 0xc4, 16];
    record.extend((0..16).rev());
    record.extend(b"\x81\xa7user_id\x07");
    record.extend(b"\x99\xcd\x07\xf8\x01\0\0\0\0\0\0\0");
    let insert = "INSERT INTO tower_sessions VALUES (?1, ?2, 0)";
    file.execute(insert, (TOWER, record)).unwrap();
    let json = r#"{"data": {"user_id": "7"}}"#;
    let insert = "INSERT INTO sessions VALUES (?1, NULL, ?2)";
    file.execute(insert, (AXUM, json)).unwrap();
    Database::sqlite(path).unwrap()
}

async fn is_one_session(source: impl Source, cookie: &str) {
    let name = source.cookie_name().to_owned();
    let test = TestSessions::with(|layer| layer.take_over(take_both(source)));
    let app = routes().layer(test.layer());
    let shown = |value: &str| Client::new(&app).showing(format!("{name}={value}"));
    assert_eq!(shown(cookie).ask(Method::GET, "/me").await.body, "7");
    shown(cookie).ask(Method::POST, "/logout").await;
    // The other library's signature is not checked, so a thief can write the cookie in many ways.
    for copy in [cookie.to_owned(), format!("x{cookie}")] {
        let seen = shown(&copy).ask(Method::GET, "/me").await;
        assert_eq!(seen.body, "guest", "{copy}");
    }
}

#[tokio::test]
async fn a_logout_is_final_however_the_former_cookie_is_written() {
    let folder = Folder::new();
    is_one_session(TowerSessions::new(tables(&folder)), TOWER).await;
    let folder = Folder::new();
    is_one_session(AxumSession::new(tables(&folder)), AXUM).await;
}

/// Error messages of decoders quote unexpected input.
#[tokio::test]
async fn what_cannot_be_read_is_told_without_its_values() {
    let folder = Folder::new();
    let database = tables(&folder);
    let file = rusqlite::Connection::open(folder.join("former.db")).unwrap();
    let record: &[u8] = b"\xafann@example.org";
    let update = "UPDATE tower_sessions SET data = ?1";
    file.execute(update, [record]).unwrap();
    let logs = Logs::capture();
    let source = TowerSessions::new(database);
    let test = TestSessions::with(|layer| layer.take_over(take_both(source)));
    let client = Client::new(&routes().layer(test.layer())).showing(format!("id={TOWER}"));
    assert_eq!(client.ask(Method::GET, "/me").await.body, "guest");
    let told = logs.with(&["WARN", "a session of tower-sessions cannot be read"]);
    assert_eq!(told.len(), 1, "{}", logs.text());
    assert!(!logs.text().contains("ann@example.org"), "{told:?}");
}
