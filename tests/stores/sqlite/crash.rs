//! A process that is killed in the middle of writing.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use starsessions::SqliteStore;
use starsessions::store::{Inserted, Store};
use starsessions_tests::servers::Folder;

use super::{at, index, key, row};

/// The variable with the path of the writer's file.
const PATH: &str = "STARSESSIONS_CRASH";

/// The writer is killed repeatedly, at random moments. Each acknowledged row is complete.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_kill() {
    let folder = Folder::new();
    let path = folder.join("sessions.db");
    let mut acknowledged = Vec::new();
    for round in 0..5_u32 {
        let mut writer = start_writer(&path, round * 1_000_000);
        let mut lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        let mut told = lines.by_ref().map_while(Result::ok);
        acknowledged.extend(told.by_ref().filter_map(|line| number_in(&line)).take(200));
        writer.kill().unwrap();
        writer.wait().unwrap();
        acknowledged.extend(told.filter_map(|line| number_in(&line)));

        let store = SqliteStore::open(&path).unwrap();
        for number in &acknowledged {
            let loaded = store.load(&key(*number), at(1)).await.unwrap();
            assert_eq!(loaded, Some(row(*number)), "{number}");
        }
        // A row without an acknowledgement may exist, and is complete then.
        let listed = store.listed(&index(), at(1)).await.unwrap();
        assert!(listed.len() >= acknowledged.len());
        let database = rusqlite::Connection::open(&path).unwrap();
        let count = "SELECT count(*) FROM sessions";
        let rows: u32 = database.query_row(count, [], |row| row.get(0)).unwrap();
        assert_eq!(
            rows as usize,
            listed.len(),
            "each has its place in the index"
        );
        let check = "PRAGMA integrity_check";
        let verdict: String = database.query_row(check, [], |row| row.get(0)).unwrap();
        assert_eq!(verdict, "ok");
    }
    assert!(acknowledged.len() >= 1_000);
}

fn start_writer(path: &Path, first: u32) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "sqlite::crash::writer",
            "--ignored",
            "--nocapture",
        ])
        .env(PATH, format!("{first} {}", path.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn number_in(line: &str) -> Option<u32> {
    line.strip_prefix("acknowledged ")?.parse().ok()
}

/// The writer process: inserts many rows in parallel, and prints which were acknowledged.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "is started by the test above"]
async fn writer() {
    let Ok(order) = std::env::var(PATH) else {
        return;
    };
    let (first, path) = order.split_once(' ').unwrap();
    let store = SqliteStore::open(path).unwrap();
    let first: u32 = first.parse().unwrap();
    let tasks: Vec<_> = (0..16)
        .map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                for number in (first + task..).step_by(16) {
                    let inserted = store.insert(&key(number), &row(number), at(0)).await;
                    assert_eq!(inserted.unwrap(), Inserted::Inserted);
                    println!("acknowledged {number}");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}
