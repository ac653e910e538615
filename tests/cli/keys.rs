//! `starsessions key`.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use starsessions::KeyRing;

use crate::{PROGRAM, folder, key_ids, new_key, run, text};

#[test]
fn a_new_key_is_one_line_that_a_ring_takes() {
    let made = [(); 2].map(|()| run(&["key", "new"], "", "").well().out.clone());
    assert_ne!(made[0], made[1]);
    for key in made {
        assert_eq!(key.lines().count(), 1);
        KeyRing::parse(&key).unwrap();
    }
    let json = run(&["key", "new", "--json"], "", "").well().json();
    let ring = KeyRing::parse(json["key"].as_str().unwrap()).unwrap();
    let id = ring.key_ids().next().unwrap().to_string();
    assert_eq!(json["key_id"], id.as_str());
}

#[test]
fn keys_are_rotated_in_two_steps_and_the_former_one_retires() {
    let folder = folder();
    let path = folder.join("keys");
    KeyRing::from_file_or_new(&path).unwrap();
    let before = key_ids(&path);

    let added = run(&["key", "rotate", text(&path), "--json"], "", "")
        .well()
        .json();
    let id = added["added"].as_str().unwrap().to_owned();
    assert_eq!(
        key_ids(&path),
        [before[0].clone(), id.clone()],
        "accepted, not active"
    );

    let activate = [
        "key",
        "rotate",
        text(&path),
        "--activate",
        &id,
        "--retire-after",
        "30d",
    ];
    let after = [id.clone(), before[0].clone()];
    run(&activate, "", "").well();
    assert_eq!(key_ids(&path), after);
    let kept = fs::read_to_string(&path).unwrap();
    let (active, former) = kept.trim().split_once('\n').unwrap();
    assert!(!active.contains('@') && former.contains('@'));
    // A second run, as by a script that has lost its connection.
    let again = run(&activate, "", "");
    assert!(
        again.well().out.contains("the file did not change"),
        "{again:?}"
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), kept);

    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let files = fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files, 1, "no draft is left");
}

#[test]
fn a_key_whose_end_has_passed_is_dropped_and_one_on_its_way_out_is_not_activated() {
    let folder = folder();
    let path = folder.join("keys");
    let keys = [
        new_key(),
        new_key() + "@1000000000",
        new_key() + "@9000000000",
    ];
    fs::write(&path, keys.join(",")).unwrap();
    let [active, _, leaving] = <[String; 3]>::try_from(key_ids(&path)).unwrap();

    let refused = run(
        &["key", "rotate", text(&path), "--activate", &leaving],
        "",
        "",
    );
    refused.fails(1, "is being retired");
    let added = run(&["key", "rotate", text(&path), "--json"], "", "")
        .well()
        .json();
    let added = added["added"].as_str().unwrap().to_owned();
    assert_eq!(key_ids(&path), [active, leaving, added]);
}

#[test]
fn a_file_from_windows_is_rotated_or_its_encoding_is_named() {
    let folder = folder();
    let path = folder.join("keys");
    let rotate = ["key", "rotate", text(&path)];
    let keys = [(); 2].map(|()| new_key());
    fs::write(&path, format!("\u{feff}{}\r\n{}\r\n", keys[0], keys[1])).unwrap();
    let [first, second] = <[String; 2]>::try_from(key_ids(&path)).unwrap();
    run(&[&rotate[..], &["--activate", &second]].concat(), "", "").well();
    assert_eq!(key_ids(&path), [second, first]);

    fs::write(&path, b"\xff\xfec\x002\x00").unwrap();
    run(&rotate, "", "").fails(1, "it is not text in UTF-8");
}

#[test]
fn a_key_that_is_active_already_needs_no_right_to_write() {
    let folder = folder();
    let path = folder.join("keys");
    fs::write(&path, new_key()).unwrap();
    let [id] = <[String; 1]>::try_from(key_ids(&path)).unwrap();
    // As in a folder that this user may not write, there can be no draft.
    fs::create_dir(folder.join("keys.draft")).unwrap();
    let done = run(&["key", "rotate", text(&path), "--activate", &id], "", "");
    assert!(done.well().out.contains("the file did not change"));
    let unknown = run(
        &["key", "rotate", text(&path), "--activate", "00000000"],
        "",
        "",
    );
    unknown.fails(3, "no key has the id");
}

#[test]
fn what_cannot_be_rotated_stays_as_it_is() {
    let folder = folder();
    let path = folder.join("keys");
    let rotate = ["key", "rotate", text(&path)];
    run(&rotate, "", "").fails(1, "name a file of keys");
    assert!(!path.exists(), "a file that is named wrong is not made");

    let key = new_key();
    for (content, sentence) in [
        ("c2hvcnQ=".to_owned(), "key 1: "),
        (String::new(), "there is no key"),
        (format!("{key},{key}"), "list each key once"),
        (
            [(); 8].map(|()| new_key()).join(","),
            "there are more than 8 keys",
        ),
    ] {
        fs::write(&path, &content).unwrap();
        let done = run(&rotate, "", "");
        done.fails(1, sentence);
        assert!(
            !done.err.contains("c2hvcnQ=") && !done.err.contains(&key),
            "{done:?}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
    fs::write(&path, &key).unwrap();
    run(
        &["key", "rotate", text(&path), "--activate", "00000000"],
        "",
        "",
    )
    .fails(3, "no key has the id");
    assert_eq!(fs::read_to_string(&path).unwrap(), key);
}

#[test]
fn of_several_rotations_at_once_no_key_is_lost() {
    let folder = folder();
    let path = folder.join("keys");
    fs::write(&path, new_key()).unwrap();
    let rotate = ["key", "rotate", text(&path)];
    let done = std::thread::scope(|scope| {
        let runs = [(); 6].map(|()| scope.spawn(|| run(&rotate, "", "")));
        runs.map(|run| run.join().unwrap())
    });
    let mut added = 0;
    for done in &done {
        match done.code {
            0 => added += 1,
            _ => done.fails(1, "another command is changing this file"),
        }
    }
    assert!(added > 0);
    assert_eq!(key_ids(&path).len(), 1 + added);

    let draft = folder.join("keys.draft");
    assert!(!draft.exists(), "no draft is left");
    fs::write(&draft, "of an interrupted command").unwrap();
    run(&rotate, "", "").fails(1, text(&draft));
    assert!(draft.exists());
    fs::remove_file(draft).unwrap();
    run(&rotate, "", "").well();
}

#[test]
fn the_next_command_is_one_that_a_shell_takes() {
    for (name, end) in [
        ("keys", "/keys --activate "),
        ("it's", r"/it'\''s' --activate "),
    ] {
        let folder = folder();
        let path = folder.join(name);
        fs::write(&path, new_key()).unwrap();
        let said = run(&["key", "rotate", text(&path)], "", "")
            .well()
            .out
            .clone();
        assert!(said.contains(end), "{said}");
    }
}

#[test]
fn only_the_owner_can_read_a_file_that_others_could_read_before() {
    let folder = folder();
    let path = folder.join("keys");
    fs::write(&path, new_key()).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let link = folder.join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    run(&["key", "rotate", text(&link)], "", "").well();
    assert!(
        link.is_symlink(),
        "the file is replaced, not the link to it"
    );
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!((mode & 0o777, key_ids(&path).len()), (0o600, 2));
}

/// An administrator owns the file, and the application reads it through its group.
#[test]
fn a_group_that_may_read_the_file_still_may() {
    let folder = folder();
    let path = folder.join("keys");
    for mode in [0o640, 0o400] {
        let _ = fs::remove_file(&path);
        fs::write(&path, new_key()).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        run(&["key", "rotate", text(&path)], "", "").well();
        let kept = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(kept & 0o777, mode);
    }
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    let mut command = Command::new(&*PROGRAM);
    let child = command.args(["key", "new"]).stdout(Stdio::piped());
    let mut child = child.stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
