//! The table in `mod.rs` is the order of imports.

use std::fs;
use std::path::Path;

#[test]
fn a_file_imports_only_from_files_above_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/crypto");
    let read = |file: &str| fs::read_to_string(folder.join(file));
    let table = read("mod.rs").unwrap();
    let files: Vec<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("//! | `")?.split('`').next())
        .collect();
    let declared = table
        .lines()
        .filter(|line| line.starts_with("mod "))
        .count();
    assert_eq!(files.len(), declared - 1, "each file but the tests");

    for (place, file) in files.iter().enumerate() {
        let sources = match read(&format!("{file}.rs")) {
            Ok(source) => vec![source],
            Err(_) => fs::read_dir(folder.join(file))
                .unwrap()
                .map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap())
                .collect(),
        };
        for source in sources {
            let code = source.split("#[cfg(test)]\nmod tests").next().unwrap();
            for below in &files[place + 1..] {
                let imported = imports(code).any(|name| name == *below);
                assert!(!imported, "`{file}` imports `{below}`");
            }
        }
    }
}

/// The files of this folder that a source names, one by one or in a list.
fn imports(code: &str) -> impl Iterator<Item = &str> {
    let paths = |root| code.split(root).skip(1);
    paths("super::").chain(paths("crypto::")).flat_map(|path| {
        let end = if path.starts_with('{') { '}' } else { ':' };
        let names = path.split(end).next().unwrap_or_default();
        names.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
    })
}
