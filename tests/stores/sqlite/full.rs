//! A full disk.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use starsessions::SqliteStore;
use starsessions::store::StoreError;
use starsessions::store::{Inserted, Store};
use starsessions_tests::servers::Folder;

use super::{at, key, row};

/// The variable with the path of the writer's file.
const PATH: &str = "STARSESSIONS_FULL";

/// The writer runs in a process with a file size limit, which it lifts at the end.
#[test]
fn without_room_the_store_is_unavailable_and_with_room_it_goes_on() {
    let folder = Folder::new();
    let path = folder.join("sessions.db");
    let limited = Command::new("sh")
        .arg("-c")
        // A limit of 1 MiB. With the signal ignored, the write returns an error.
        .arg(r#"trap '' XFSZ; ulimit -S -f 2048; exec "$0" --exact sqlite::full::writer --ignored --nocapture"#)
        .arg(std::env::current_exe().unwrap())
        .env(PATH, &path)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let output = limited.wait_with_output().unwrap();
    let lines = BufReader::new(&*output.stdout)
        .lines()
        .map_while(Result::ok);
    let told: Vec<_> = lines.filter(|line| line.starts_with("told: ")).collect();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told:?}\n{stderr}");
    assert_eq!(told, ["told: full", "told: goes on"], "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "is started by the test above"]
async fn writer() {
    let Ok(path) = std::env::var(PATH) else {
        return;
    };
    let store = SqliteStore::open(path).unwrap();
    let mut kept = 0;
    let error = loop {
        assert!(kept < 100_000, "the disk is never full");
        match store.insert(&key(kept), &row(kept), at(0)).await {
            Ok(inserted) => assert_eq!(inserted, Inserted::Inserted),
            Err(error) => break error,
        }
        kept += 1;
    };
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    println!("told: full");
    for number in 0..kept {
        let loaded = store.load(&key(number), at(1)).await.unwrap();
        assert_eq!(loaded, Some(row(number)), "{number}");
    }
    let pid = std::process::id().to_string();
    let mut prlimit = Command::new("prlimit");
    let lifted = prlimit.args(["--pid", &pid, "--fsize=unlimited"]).status();
    assert!(lifted.unwrap().success());
    for number in kept..kept + 100 {
        let inserted = store.insert(&key(number), &row(number), at(0)).await;
        assert_eq!(inserted.unwrap(), Inserted::Inserted, "{number}");
    }
    println!("told: goes on");
}
