//! The command lines of README.md, CONTRIBUTING.md and the guides: continuous integration or the nightly job runs each
//! of them.

use super::source;

#[test]
fn every_command_line_of_the_pages_is_run() {
    let pages = PAGES.map(|page| (page, source::read(page)));
    for (page, text) in &pages {
        for command in commands(text) {
            let known = RUN.iter().find(|(shown, ..)| *shown == command);
            let (_, file, run) = known.unwrap_or_else(|| panic!("{page}: who runs `{command}`?"));
            let runs = source::read(file).contains(run);
            assert!(runs, "{file} has no `{run}`, for `{command}` of {page}");
        }
    }
    let shown: Vec<_> = pages.iter().flat_map(|(_, text)| commands(text)).collect();
    for (command, ..) in RUN {
        assert!(
            shown.iter().any(|it| it == command),
            "no page has `{command}`"
        );
    }
}

/// The commands that a reader would type, from code blocks and inline code, without trailing comments.
fn commands(page: &str) -> impl Iterator<Item = String> {
    let mut in_block = false;
    let lines = page.lines().flat_map(move |line| {
        if line.starts_with("```") {
            in_block = !in_block;
        }
        match in_block {
            true => vec![line],
            false => line.split('`').skip(1).step_by(2).collect(),
        }
    });
    lines.filter_map(|line| {
        let line = line.trim_start_matches("$ ").trim_start_matches("./");
        let line = line.split(" #").next().unwrap_or_default().trim_end();
        // In a table of commands, the first column.
        let line = match line.starts_with("tests/") || line.starts_with("cargo ") {
            true => line.split("  ").next().unwrap_or_default(),
            false => line,
        };
        let words = line.split_whitespace().collect::<Vec<_>>();
        let is_command = match words.as_slice() {
            [first, _, ..] if PROGRAMS.contains(first) => !line.contains(" = "),
            [only] => ["tests/run", "tests/bench"].contains(only),
            _ => false,
        };
        is_command.then(|| words.join(" "))
    })
}

const PROGRAMS: [&str; 10] = [
    "TRYBUILD=overwrite",
    "cargo",
    "curl",
    "export",
    "openssl",
    "python3",
    "rustup",
    "starsessions",
    "tests/bench",
    "tests/run",
];

/// `tests/cli/page.rs` runs the command lines of `docs::command` word for word.
const PAGES: [&str; 8] = [
    "README.md",
    "CONTRIBUTING.md",
    "starsessions/src/docs/ecosystem.md",
    "starsessions/src/docs/guide.md",
    "starsessions/src/docs/observability.md",
    "starsessions/src/docs/performance.md",
    "starsessions/src/docs/recipes.md",
    "starsessions/src/docs/scaling.md",
];

/// A command, the file that runs the command or its program, and the words in that file that do so.
const RUN: &[(&str, &str, &str)] = &[
    (
        "cargo run --example shop",
        "tests/examples.sh",
        "start shop --port",
    ),
    (
        "cargo run --example shop -- --tls",
        "tests/browser/src/shop.rs",
        r#"command.arg("--tls")"#,
    ),
    (
        "cargo run --example socket",
        "tests/examples.sh",
        "for program in shop socket nats",
    ),
    (
        "cargo run --manifest-path examples/signin/oidc/Cargo.toml",
        "tests/browser/src/example.rs",
        r#"Self::open("oidc""#,
    ),
    (
        "cargo run --manifest-path examples/signin/passkeys/Cargo.toml",
        "tests/browser/src/example.rs",
        r#"Self::open("passkeys""#,
    ),
    ("tests/run", ".ci/run", "exec tests/run"),
    ("tests/run --list", "tests/nightly", "tests/run --list"),
    (
        "tests/run format clippy",
        "tests/run",
        "STEPS=(servers locks format clippy ",
    ),
    ("tests/bench", "tests/nightly", "tests/bench --svg="),
    (
        "tests/bench --svg=cost.svg",
        "tests/nightly",
        "tests/bench --svg=",
    ),
    (
        "tests/bench --record",
        "tests/nightly",
        "tests/bench --svg=",
    ),
    (
        "tests/bench --growth",
        "tests/nightly",
        "tests/bench --growth",
    ),
    (
        "python3 tests/benchmark/spread.py 1e8 1e6 0.2",
        "tests/nightly",
        "python3 tests/benchmark/spread.py 1e8 1e6 0.2",
    ),
    (
        "export SESSION_KEYS=$(openssl rand -base64 32)",
        "tests/examples.sh",
        "SESSION_KEYS=$(openssl rand -base64 32)",
    ),
    (
        "openssl rand -base64 32",
        "tests/examples.sh",
        "openssl rand -base64 32",
    ),
    (
        "cargo install --path starsessions --features cli,redis",
        "tests/nightly",
        "cargo install --path starsessions --features cli,redis",
    ),
    (
        "starsessions key new",
        "tests/cli/keys.rs",
        r#""key", "new""#,
    ),
    (
        "starsessions cookie explain",
        "tests/cli/page.rs",
        "docs/command.md",
    ),
    (
        "cargo doc -p starsessions --open",
        "tests/run",
        "cargo doc --no-deps --workspace",
    ),
    (
        "cargo test -p starsessions-tests --test repository",
        "tests/run",
        "cargo test --workspace",
    ),
    (
        "TRYBUILD=overwrite cargo test -p starsessions-ui-tests",
        "tests/run",
        "cargo test --workspace",
    ),
    (
        "curl -si -b cookies http://localhost:3000/cart -X POST | grep -i explain",
        "tests/examples.sh",
        "curl --silent --include \"$site\" | grep -i explain",
    ),
];
