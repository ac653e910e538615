//! The numbers in test names: `g05_..` refers to the list of README.md, `scenario_21_..` to the table of
//! CONTRIBUTING.md.

use std::collections::{BTreeMap, BTreeSet};

use super::source;

#[test]
fn the_number_of_a_test_is_that_of_a_listed_guarantee_or_scenario() {
    let unknown: Vec<_> = tested("g").difference(&guarantees()).copied().collect();
    assert!(unknown.is_empty(), "README.md does not list {unknown:?}");
    let rows = scenarios().into_keys().collect();
    let unknown: Vec<_> = tested("scenario_").difference(&rows).copied().collect();
    assert!(
        unknown.is_empty(),
        "CONTRIBUTING.md does not list {unknown:?}"
    );
}

#[test]
fn each_guarantee_has_a_test_of_its_number() {
    let tested = tested("g");
    let promised: Vec<_> = guarantees().difference(&tested).copied().collect();
    assert!(promised.is_empty(), "no test is named after {promised:?}");
}

#[test]
fn each_scenario_has_a_test_of_its_number_and_the_files_of_its_row() {
    let tested = tested("scenario_");
    for (number, files) in scenarios() {
        assert!(tested.contains(&number), "no test of scenario {number}");
        assert!(!files.is_empty(), "no file for scenario {number}");
        for file in files {
            source::read(&file);
        }
    }
}

/// The numbers of the tests whose names have this prefix.
fn tested(prefix: &str) -> BTreeSet<u32> {
    let number = |line: &str| {
        let name = line.trim_start_matches("async ").trim_start_matches("fn ");
        name.strip_prefix(prefix)?.split('_').next()?.parse().ok()
    };
    let files = source::files("tests");
    let lines = files.iter().flat_map(source::File::code);
    lines.filter_map(|(_, line)| number(line)).collect()
}

fn guarantees() -> BTreeSet<u32> {
    let readme = source::read("README.md");
    let (_, section) = readme.split_once("## What it guarantees\n").unwrap();
    let lines = section.lines().take_while(|line| !line.starts_with("## "));
    let numbers = lines.filter_map(|line| line.split_once(". ")?.0.parse().ok());
    numbers.collect()
}

/// The numbered rows, with the files that each one names.
fn scenarios() -> BTreeMap<u32, Vec<String>> {
    let row = |line: &str| {
        let mut cells = line.split('|').skip(1);
        let number = cells.next()?.trim().parse().ok()?;
        let files = cells.skip(1).zip(FOLDERS).flat_map(|(cell, folder)| {
            let names = cell.split('`').skip(1).step_by(2);
            names.map(move |name| format!("{folder}/{name}.rs"))
        });
        Some((number, files.collect()))
    };
    let contributing = source::read("CONTRIBUTING.md");
    contributing.lines().filter_map(row).collect()
}

/// The folders of the table's columns.
const FOLDERS: [&str; 2] = ["tests/src/scenarios", "tests/http/scenarios"];
