//! The performance targets: ratios of two cases of one run, because only ratios are comparable between machines.

use std::fmt::Write as _;

use crate::measure::Kind::{self, Create, Large, Read, Rotate, Untouched, Write};
use crate::table::Row;

struct Target {
    kind: Kind,
    ours: &'static str,
    theirs: &'static str,
    must: f64,
    stretch: f64,
}

const fn target(kind: Kind, names: [&'static str; 2], must: f64, stretch: f64) -> Target {
    let [ours, theirs] = names;
    Target {
        kind,
        ours,
        theirs,
        must,
        stretch,
    }
}

/// A Markdown table of the targets whose cases were measured.
pub fn text(rows: &[Row]) -> String {
    let of = |name: &str| rows.iter().find(|row| row.contestant == name);
    let mut out = String::from(
        "| over bare, ours / theirs | case | now | must | stretch |\n|---|---|---|---|---|\n",
    );
    for target in TARGETS.iter().chain(CIPHER_TARGETS) {
        let cost = |name| of(name)?.cost(target.kind);
        if let (Some(ours), Some(theirs)) = (cost(target.ours), cost(target.theirs)) {
            let ratio = ours.median / theirs.median;
            let Target {
                kind,
                must,
                stretch,
                ..
            } = target;
            let (ours, theirs) = (target.ours, target.theirs);
            let missed = if ratio > *must { " **missed**" } else { "" };
            let _ = writeln!(
                out,
                "| {ours} / {theirs} | {} | {ratio:.2}{missed} | {must} | {stretch} |",
                kind.name()
            );
        }
    }
    for (kind, must, stretch) in [(Read, 10, 8), (Write, 18, 14)] {
        if let Some(cost) = of(MEMORY).and_then(|row| row.cost(kind)) {
            let missed = if cost.allocations > must {
                " **missed**"
            } else {
                ""
            };
            let _ = writeln!(
                out,
                "| {MEMORY}, allocations | {} | {}{missed} | {must} | {stretch} |",
                kind.name(),
                cost.allocations
            );
        }
    }
    out
}

const TARGETS: [Target; 13] = [
    target(
        Untouched,
        [MEMORY, "a layer that clones and boxes"],
        2.0,
        1.4,
    ),
    target(Read, [MEMORY, TOWER], 0.25, 0.2),
    target(Read, [MEMORY, HONEST], 1.3, 1.1),
    target(Write, [MEMORY, TOWER], 0.33, 0.25),
    target(Write, [MEMORY, HONEST], 1.4, 1.15),
    target(Create, [MEMORY, TOWER], 0.33, 0.25),
    target(Create, [MEMORY, HONEST], 1.4, 1.15),
    target(Rotate, [MEMORY, TOWER], 0.8, 0.5),
    target(Large, [MEMORY, TOWER], 0.8, 0.6),
    target(Read, REDIS, 1.2, 1.1),
    target(Write, REDIS, 1.3, 1.15),
    target(Read, POSTGRES, 1.2, 1.1),
    target(Write, POSTGRES, 1.3, 1.15),
];

#[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
const CIPHER_TARGETS: &[Target] = &[
    target(Read, [SEALED, TOWER_SEALED], 0.3, 0.25),
    target(Write, [SEALED, TOWER_SEALED], 0.4, 0.33),
];

#[cfg(any(feature = "ring", feature = "aws-lc-rs"))]
const CIPHER_TARGETS: &[Target] = &[
    target(Read, [SEALED, TOWER_SEALED], 0.2, 0.15),
    target(Write, [SEALED, TOWER_SEALED], 0.28, 0.22),
    target(Read, [SEALED, ACTIX_SEALED], 0.5, 0.4),
    target(Write, [SEALED, ACTIX_SEALED], 0.6, 0.45),
];

const MEMORY: &str = "starsessions, memory";
const REDIS: [&str; 2] = ["starsessions, Redis", "bare client, Redis"];
const POSTGRES: [&str; 2] = ["starsessions, PostgreSQL", "bare client, PostgreSQL"];
const SEALED: &str = "starsessions, cookie sealed";
const HONEST: &str = "honest floor, memory";
const TOWER: &str = "tower-sessions, memory";
const TOWER_SEALED: &str = "tower-sessions, cookie private";
#[cfg(any(feature = "ring", feature = "aws-lc-rs"))]
const ACTIX_SEALED: &str = "actix-session, cookie private";
