//! Input that the command cannot use.

use std::fs;
use std::net::TcpListener;

use starsessions_tests::servers::free_port;

use crate::{folder, new_key, run, text};

#[test]
fn garbage_is_no_cookie() {
    let key = new_key();
    let long = "A".repeat(100_000);
    for garbage in [
        "",
        "\n",
        "=",
        "\0\u{1}",
        "Cookie:",
        "id=6f1c8b0e-2d5a",
        "🍪",
        &long,
        "BGFhYWE",
    ] {
        run(&["cookie", "explain"], &key, garbage).fails(3, "no cookie of this library");
    }
}

#[test]
fn a_cookie_that_was_made_up_leads_to_nothing() {
    let key = new_key();
    // The tokens of a sealed session, a signed session and a flow, under an unknown key.
    for first in ["AWFhYWFh", "AmFhYWFh", "AmFhYWFh".repeat(500).as_str()] {
        let done = run(&["cookie", "explain", "--json"], &key, first);
        assert_eq!(
            (done.code, &done.json()["key"]),
            (3, &"unknown".into()),
            "{done:?}"
        );
    }
}

#[test]
fn a_store_that_is_no_store_is_named_with_the_kinds_that_there_are() {
    for url in [
        "",
        "sessions.db",
        "ftp://127.0.0.1/",
        "sqlite",
        "http://u:secret@127.0.0.1/",
    ] {
        let done = run(&["store", "list", url], "", "");
        done.fails(1, "`sqlite:`, `postgres://`, `mysql://` and `redis://`");
    }
    for url in [
        "postgres://u:secret@127.0.0.1:notaport/",
        "mysql://u:secret@:x/",
        "redis://u:secret@127.0.0.1:x/",
    ] {
        let done = run(&["store", "list", url], "", "");
        assert!(matches!(done.code, 1 | 4), "{done:?}");
        assert!(
            done.err.starts_with("error: ") && !done.err.contains("secret"),
            "{done:?}"
        );
    }
    let behind_tls = ["store", "list", "rediss://u:secret@127.0.0.1/"];
    run(&behind_tls, "", "").fails(1, "there is no TLS in this command");
    run(&["store", "list", "memory:", "--table", "x"], "", "").fails(1, "`--table` is for");
    run(
        &["store", "sweep", "postgres://127.0.0.1/", "--prefix", "x"],
        "",
        "",
    )
    .fails(1, "`--prefix` is for");
}

#[test]
fn a_store_where_nothing_listens_is_said_to_be_out_of_reach() {
    for scheme in ["postgres", "mysql", "redis"] {
        let url = format!("{scheme}://user:secret@127.0.0.1:{}/0", free_port());
        let done = run(&["store", "list", &url], "", "");
        done.fails(4, "running");
        assert!(!done.err.contains("secret"), "{done:?}");
    }
}

#[test]
fn a_server_that_says_nothing_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    for scheme in ["postgres", "redis"] {
        let url = format!(
            "{scheme}://127.0.0.1:{}/0",
            silent.local_addr().unwrap().port()
        );
        run(&["store", "list", &url], "", "").fails(4, "running");
    }
}

#[test]
fn a_file_that_is_no_store_stays_as_it_is() {
    let folder = folder();
    let path = folder.join("notes.txt");
    let notes = "not a database ".repeat(1000);
    fs::write(&path, &notes).unwrap();
    for command in ["migrate", "list", "sweep", "measure"] {
        let done = run(
            &["store", command, &format!("sqlite:{}", text(&path))],
            "",
            "",
        );
        assert_eq!(done.code, 4, "{done:?}");
        assert!(
            done.err.starts_with("error: ") && done.err.lines().count() == 1,
            "{done:?}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), notes);
    }
}

#[test]
fn options_of_a_file_do_not_become_its_name() {
    let folder = folder();
    let url = format!("sqlite://{}?mode=rwc", text(&folder.join("a.db")));
    run(&["store", "migrate", &url], "", "").fails(1, "has no options");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_value_of_another_type_is_told() {
    let key = new_key();
    for (kind, value, sentence) in [
        ("unsigned", "-1", "not an unsigned number"),
        ("signed", "x", "not a number"),
        ("uuid", "7", "not a UUID"),
        ("uuid", "+0000000000000000000000000000007", "not a UUID"),
    ] {
        let named = [
            "store", "list", "memory:", "--index", "a.b", "--type", kind, "--value", value,
        ];
        run(&named, &key, "").fails(1, sentence);
    }
    let text = [
        "store", "list", "memory:", "--index", "a.b", "--value", "ada",
    ];
    assert_eq!(run(&text, &key, "").code, 3);
}

#[test]
fn a_wrong_line_has_a_code_of_its_own() {
    for line in [
        &["store"][..],
        &["key", "rotate"],
        &["store", "list"],
        &["nonsense"],
        &["store", "list", "memory:", "--index", "a.b"],
    ] {
        let done = run(line, "", "");
        assert_eq!((done.code, &*done.out), (2, ""), "{done:?}");
    }
    run(&["store", "revoke", "memory:"], "", "").fails(2, "--index FIELD --value VALUE");
    let help = run(&["--help"], "", "");
    assert!(help.well().out.contains("Exit codes:"));
}
