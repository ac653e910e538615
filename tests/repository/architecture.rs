//! Compares the modules of `starsessions` with the table in `docs/architecture.md`.

use std::collections::BTreeMap;

use super::source::{self, File};

#[test]
fn a_module_imports_only_what_its_row_allows() {
    let table = Table::read();
    let roots = Roots::read();
    let mut mistakes = Vec::new();
    for file in source::files(SOURCES) {
        let Some(module) = module_of(&file) else {
            continue;
        };
        let Some(allowed) = table.rows.get(module.as_str()) else {
            mistakes.push(format!("`{module}` has no row in {TABLE}"));
            continue;
        };
        for (number, line) in file.code() {
            for import in roots.imports(&file, line) {
                if import != module && !allowed.contains(&import) {
                    mistakes.push(format!("{}:{number} imports `{import}`", file.path));
                }
            }
        }
    }
    assert!(
        mistakes.is_empty(),
        "not in {TABLE}:\n{}",
        mistakes.join("\n")
    );
}

#[test]
fn imports_go_down_except_where_an_arrow_says_so() {
    let table = Table::read();
    let rank = |module: &str| table.order.iter().position(|row| row == module);
    for (module, allowed) in &table.rows {
        for import in allowed {
            assert!(
                rank(import).is_some(),
                "`{module}` may import `{import}`, which has no row"
            );
            assert!(
                rank(import) < rank(module),
                "`{module}` may not import `{import}`, which stands below it in the table"
            );
        }
    }
}

/// The table in `crypto/mod.rs` defines the order of imports.
#[test]
fn a_file_of_cryptography_imports_only_from_files_above_it() {
    let folder = format!("{SOURCES}/crypto");
    let table = source::read(&format!("{folder}/mod.rs"));
    let rows = table.lines().filter(|line| line.starts_with("//! | `"));
    let order: Vec<_> = rows.flat_map(|row| quoted(row).next()).collect();
    let rank = |name: &str| order.iter().position(|row| *row == name);
    for file in source::files(&folder) {
        let name = words(&file.path[folder.len()..]).next();
        let Some(own) = name.filter(|name| *name != "mod") else {
            continue;
        };
        let place = rank(own).unwrap_or_else(|| panic!("`{own}` has no row in the table"));
        let code: Vec<_> = file.code().map(|(_, line)| line).collect();
        let code = code.join(" ");
        for path in ["super::", "crypto::"]
            .into_iter()
            .flat_map(|root| code.split(root).skip(1))
        {
            // A single name, or a list of names.
            let end = if path.starts_with('{') { '}' } else { ':' };
            let mut named = words(path.split(end).next().unwrap_or_default());
            let below = named.find(|name| rank(name) > Some(place));
            assert_eq!(below, None, "imported by {}", file.path);
        }
    }
}

#[test]
fn every_row_is_a_module() {
    let roots = Roots::read();
    for module in Table::read().order {
        assert!(
            roots.modules.contains(&module),
            "{TABLE}: there is no module `{module}`"
        );
    }
}

/// The lists behind the table: a file that an item names exists, and one of the item's files has each name in the item.
#[test]
fn files_and_names_in_the_lists_of_the_page_exist() {
    let page = source::read(TABLE);
    let (_, lists) = page.split_once("# One request").expect("the lists");
    let mut items = vec![String::new()];
    for line in lists.lines() {
        if line.starts_with("- ") || line.starts_with(|first: char| first.is_ascii_digit()) {
            items.push(String::new());
        }
        items.last_mut().expect("the first item").push_str(line);
    }
    assert!(items.len() > 30, "{} items", items.len());
    for item in items {
        let (files, names): (Vec<_>, Vec<_>) =
            quoted(&item).partition(|quoted| quoted.contains(['/', '.']));
        let texts = files.iter().map(|file| {
            let places = [SOURCES, "starsessions-derive/src", "starsessions", "."];
            let mut texts = places.iter().map(|place| format!("{place}/{file}"));
            let text = texts.find_map(|path| source::text_of(&path));
            text.unwrap_or_else(|| panic!("{TABLE}: there is no `{file}`"))
        });
        let text: String = texts.collect();
        for name in names {
            let name = words(name).last().unwrap_or_default();
            assert!(
                files.is_empty() || words(&text).any(|word| word == name),
                "{TABLE}: `{name}` is in none of {files:?}"
            );
        }
    }
}

#[test]
fn no_file_has_more_than_400_lines_of_code() {
    for folder in [SOURCES, "starsessions-derive/src", "examples"] {
        for file in source::files(folder) {
            let lines = file.code().count();
            assert!(
                lines <= 400,
                "{} has {lines} lines of code; split it by concept",
                file.path
            );
        }
    }
}

#[test]
fn only_the_clock_reads_the_time() {
    assert_only_in("SystemTime::now", &["clock.rs"]);
    let measured = "observe/latency.rs";
    let time_outs = [
        "session/watch.rs",
        "store/redis/node.rs",
        "store/sql/connections.rs",
    ];
    assert_only_in("Instant::now", &[&time_outs[..], &[measured]].concat());
}

#[test]
fn only_cryptography_asks_for_randomness() {
    assert_only_in("getrandom", &["crypto/"]);
}

#[test]
fn decisions_wait_for_nothing() {
    let pure = ["cookie", "crypto", "lifecycle", "record", "value"];
    for file in source::files(SOURCES) {
        if module_of(&file).is_some_and(|module| pure.contains(&module.as_str())) {
            for (number, line) in file.code() {
                assert!(!line.contains(".await"), "{}:{number} awaits", file.path);
            }
        }
    }
}

/// The table of modules: one row per module, lowest first, with the modules that it may import.
#[derive(Default)]
struct Table {
    order: Vec<String>,
    rows: BTreeMap<String, Vec<String>>,
}

impl Table {
    fn read() -> Self {
        let mut table = Self::default();
        for line in source::read(TABLE).lines() {
            let mut cells = line.split('|').map(str::trim).skip(1);
            let Some(module) = cells.next().into_iter().flat_map(quoted).next() else {
                continue;
            };
            let imports = cells.nth(1).unwrap_or_default();
            table.order.push(module.to_owned());
            let imports = quoted(imports).map(str::to_owned).collect();
            table.rows.insert(module.to_owned(), imports);
        }
        assert!(table.order.len() > 5, "{TABLE} has no table of modules");
        table
    }
}

/// The names at the crate root, and the module that each one belongs to.
struct Roots {
    modules: Vec<String>,
    exports: BTreeMap<String, String>,
}

impl Roots {
    fn read() -> Self {
        let lib = source::read("starsessions/src/lib.rs");
        let modules = lib
            .lines()
            .filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod "))
            .filter_map(|line| line.strip_suffix(';'))
            .map(str::to_owned)
            .collect();
        let mut exports = BTreeMap::new();
        for item in lib.split("pub use ").skip(1) {
            let item = item.split(';').next().unwrap_or_default();
            let Some((module, names)) = item.trim_start_matches("crate::").split_once("::") else {
                continue;
            };
            for name in words(names) {
                exports.insert(name.to_owned(), module.to_owned());
            }
        }
        Self { modules, exports }
    }

    /// The modules that a line refers to, by their names or by the names that the crate re-exports.
    fn imports(&self, file: &File, line: &str) -> Vec<String> {
        let supers = "super::".repeat(depth(file));
        let paths = line
            .match_indices("crate::")
            .map(|(at, found)| at + found.len());
        let above = line
            .match_indices(&supers)
            .map(|(at, found)| at + found.len());
        paths
            .chain(above)
            .flat_map(|at| {
                assert!(
                    !line[at..].starts_with('{'),
                    "{}: one `use` for each module",
                    file.path
                );
                words(&line[at..]).next()
            })
            .filter_map(|name| {
                let module = self.exports.get(name).map_or(name, String::as_str);
                self.modules.iter().find(|known| *known == module).cloned()
            })
            .collect()
    }
}

/// The top-level module that a file belongs to; `None` for the crate root itself.
fn module_of(file: &File) -> Option<String> {
    let path = file.path.strip_prefix(SOURCES)?.strip_prefix('/')?;
    let module = path.split('/').next()?.trim_end_matches(".rs");
    (module != "lib").then(|| module.to_owned())
}

/// The number of `super::` steps from a file to the crate root.
fn depth(file: &File) -> usize {
    let path = file.path.strip_prefix(SOURCES).unwrap_or_default();
    path.matches('/').count() - usize::from(path.ends_with("/mod.rs"))
}

fn assert_only_in(text: &str, places: &[&str]) {
    for file in source::files(SOURCES) {
        let path = file
            .path
            .trim_start_matches(SOURCES)
            .trim_start_matches('/');
        if places.iter().any(|place| path.starts_with(place)) {
            continue;
        }
        for (number, line) in file.code() {
            assert!(!line.contains(text), "{}:{number} has `{text}`", file.path);
        }
    }
}

fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
}

const SOURCES: &str = "starsessions/src";
const TABLE: &str = "starsessions/src/docs/architecture.md";
