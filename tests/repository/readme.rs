//! The front page and the guides show tested code.

use super::source;

#[test]
fn the_quickstart_is_the_counter_example() {
    let readme = source::read("README.md");
    let quickstart = readme
        .split("```")
        .find_map(|block| block.strip_prefix("rust,no_run\n"))
        .expect("README.md has a block that starts with ```rust,no_run");
    assert_eq!(
        quickstart,
        source::read("examples/counter.rs"),
        "copy examples/counter.rs into the quickstart of README.md"
    );
}

#[test]
fn the_published_crate_has_the_same_front_page() {
    assert_eq!(
        source::read("starsessions/README.md"),
        source::read("README.md")
    );
}

#[test]
fn the_front_page_has_no_hidden_lines() {
    let readme = source::read("README.md");
    let code = readme.split("```").filter(|it| it.starts_with("rust"));
    let mut lines = code.flat_map(str::lines).map(str::trim_start);
    let hidden = lines.find(|line| *line == "#" || line.starts_with("# "));
    assert_eq!(hidden, None, "only rustdoc hides such a line");
}

#[test]
fn the_costs_on_the_front_page_are_those_of_the_recorded_run() {
    let readme = source::read("README.md");
    let [here, tower, axum] = ["starsessions", "tower-sessions", "axum_session"]
        .map(|library| read_and_write(&format!("{library}, memory")));
    let shown = format!("| in memory: a read, a write | {here} | {tower} | {axum} |");
    assert!(readme.contains(&shown), "{shown}");
    let [here, tower, actix] = [
        "starsessions, cookie sealed",
        "tower-sessions, cookie private",
        "actix-session, cookie private",
    ]
    .map(read_and_write);
    let shown =
        format!("| in an encrypted cookie: a read, a write | {here} | {tower} | | {actix} |");
    assert!(readme.contains(&shown), "{shown}");
}

/// The extra microseconds of a read and of a write over the bare handler, in the format of the front page's table.
fn read_and_write(measured: &str) -> String {
    let tables = source::read("tests/benchmark/measured.md");
    let mut rows = tables.lines();
    let row = rows.find(|row| row.starts_with(&format!("| {measured} |")));
    let cells: Vec<_> = row.expect("a row").split('|').map(str::trim).collect();
    // The column after the name is the cost of a handler that takes no session.
    let [read, write] = [cells[3], cells[4]].map(|cell| {
        let nanoseconds = cell.split(' ').next().expect("a number");
        nanoseconds.parse::<f64>().expect("nanoseconds") / 1000.0
    });
    format!("{read:.1}, {write:.1}")
}

#[test]
fn the_guide_shows_the_take_over_that_is_tested() {
    let code = source::read("tests/tower-sessions/src/lib.rs");
    let (_, code) = code.split_once("\n\n").expect("a comment for the file");
    let guide = source::read("starsessions/src/docs/from_tower_sessions.md");
    assert!(
        guide.contains(code),
        "copy tests/tower-sessions/src/lib.rs into the guide"
    );
}

#[test]
fn the_recipes_are_what_tests_request() {
    let page = source::read("starsessions/src/docs/recipes.md");
    let mut shown = vec![body(&source::read("examples/production.rs")).to_owned()];
    for path in source::paths("tests/http/recipes") {
        let file = source::read(&path);
        if let Some((recipe, _)) = file.split_once("\n// What the page leaves out") {
            shown.push(body(recipe).to_owned());
        }
    }
    for code in &shown {
        let begin: String = code.lines().take(9).collect();
        assert!(page.contains(code), "copy this file into the page: {begin}");
    }
    // Every block ends with this line, and Rust blocks begin with it too.
    let others = page
        .lines()
        .filter(|line| line.len() > 3 && line.starts_with("```"));
    assert_eq!(
        page.matches("\n```\n").count(),
        2 * shown.len() + others.count()
    );
}

#[test]
fn the_page_about_other_crates_shows_what_is_tested() {
    let page = source::read("starsessions/src/docs/ecosystem.md");
    for file in [
        "utoipa_api",
        "aide_api",
        "leptos_api",
        "dioxus_api",
        "axum_test_api",
        "reqwest_api",
    ] {
        let path = format!("tests/ecosystem/src/{file}.rs");
        let code = source::read(&path);
        let (_, code) = code.split_once("\n\n").expect("a comment for the file");
        let shown = code.split("\n#[cfg(test)]").next().unwrap_or_default();
        assert!(page.contains(shown), "copy {path} into the page");
    }
}

#[test]
fn every_difference_to_python_names_a_test_that_there_is() {
    let guide = source::read("starsessions/src/docs/from_python.md");
    let (_, table) = guide
        .split_once("| Python | here | test |")
        .expect("the table");
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let named: Vec<_> = rows
        .filter_map(|row| row.trim_end_matches('|').rsplit('|').next())
        .flat_map(|cell| cell.split('`').skip(1).step_by(2))
        .filter(|name| !name.contains('/'))
        .map(str::to_owned)
        .collect();
    assert!(named.len() > 25, "{}", named.len());
    let code = source::text_below("tests") + &source::text_below("starsessions/src");
    let missing: Vec<_> = named
        .iter()
        .filter(|name| !code.contains(&format!("fn {name}(")))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_attribute_is_in_the_table() {
    let reference = source::read("starsessions/src/docs/attributes.md");
    let readme = source::read("README.md");
    let missing: Vec<_> = reference
        .lines()
        .filter_map(|line| line.strip_prefix("### `"))
        .filter_map(|heading| heading.split(['`', ' ']).next())
        .filter(|key| {
            !readme.contains(&format!("`{key}`")) && !readme.contains(&format!("`{key} = "))
        })
        .collect();
    assert!(missing.is_empty(), "README.md does not name {missing:?}");
}

/// A file's text after its first comment.
fn body(file: &str) -> &str {
    file.split_once("\n\n").expect("a comment for the file").1
}
