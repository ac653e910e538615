//! The results, for people.

use std::fmt::Write as _;

use crate::measure::{Case, Cost, Kind};

/// A contestant and what it adds to its framework, by case.
pub struct Row {
    pub contestant: &'static str,
    base: f64,
    is_waiting: bool,
    cells: Vec<(Kind, Cost)>,
}

impl Row {
    /// What it adds to its framework in this case.
    pub fn cost(&self, kind: Kind) -> Option<Cost> {
        let cell = self.cells.iter().find(|cell| cell.0 == kind)?;
        Some(cell.1)
    }
}

pub fn rows(cases: &[Case], costs: &[Cost]) -> Vec<Row> {
    let none = Cost {
        median: 0.0,
        spread: 0.0,
        allocations: 0,
    };
    let base_of = |name: &str| {
        let found = cases
            .iter()
            .zip(costs)
            .find(|(case, _)| case.contestant == name);
        found.map_or(none, |(_, cost)| *cost)
    };
    let mut rows: Vec<Row> = Vec::new();
    for (case, cost) in cases.iter().zip(costs) {
        let base = base_of(case.base);
        let over = if case.contestant == case.base {
            *cost
        } else {
            Cost {
                median: cost.median - base.median,
                spread: cost.spread,
                allocations: cost.allocations.saturating_sub(base.allocations),
            }
        };
        match rows
            .iter_mut()
            .find(|row| row.contestant == case.contestant)
        {
            Some(row) => row.cells.push((case.kind, over)),
            None => rows.push(Row {
                contestant: case.contestant,
                base: base.median,
                is_waiting: case.is_waiting,
                cells: vec![(case.kind, over)],
            }),
        }
    }
    rows
}

/// A Markdown table: nanoseconds over the bare framework, how many times its own time that is, and
/// allocations.
pub fn text(rows: &[Row]) -> String {
    let mut kinds: Vec<Kind> = rows
        .iter()
        .flat_map(|row| row.cells.iter().map(|it| it.0))
        .collect();
    kinds.sort();
    kinds.dedup();
    let mut out =
        String::from("| over bare: ns ± half the middle half / of bare's time / allocations |");
    for kind in &kinds {
        let _ = write!(out, " {} |", kind.name());
    }
    out.push_str("\n|---|");
    out.push_str(&"---|".repeat(kinds.len()));
    out.push('\n');
    for row in rows {
        let _ = write!(out, "| {} |", row.contestant);
        for kind in &kinds {
            match row.cost(*kind) {
                Some(cost) if row.base > 0.0 => {
                    let times = cost.median / row.base;
                    let _ = write!(
                        out,
                        " {:.0} ± {:.0} / {times:.2} / {} |",
                        cost.median, cost.spread, cost.allocations
                    );
                }
                Some(cost) => {
                    let _ = write!(out, " {:.0} ± {:.0} |", cost.median, cost.spread);
                }
                None => out.push_str(" |"),
            }
        }
        out.push('\n');
    }
    out
}

/// Bars of what a read and a write cost, in the colour of the text around them. Those that wait for a
/// server would make all others too short to see.
pub fn svg(rows: &[Row]) -> String {
    let shown = |kind: Kind| {
        rows.iter()
            .filter(|row| !row.is_waiting && !row.contestant.starts_with("bare"))
            .filter_map(move |row| Some((row, row.cost(kind)?)))
            .collect::<Vec<_>>()
    };
    let mut out = String::new();
    let mut top = 0.0;
    for kind in [Kind::Read, Kind::Write] {
        let bars = shown(kind);
        let longest = bars
            .iter()
            .map(|(row, cost)| cost.median / row.base.max(1.0))
            .fold(0.0, f64::max);
        top += 28.0;
        let _ = writeln!(
            out,
            "<text x='8' y='{top}' font-weight='bold'>{}: times the bare framework's own time</text>",
            kind.name()
        );
        for (row, cost) in bars {
            let times = cost.median / row.base.max(1.0);
            let width = 400.0 * times / longest.max(0.01);
            let ours = row.contestant.starts_with("starsessions");
            let colour = if ours { "#2f7ed8" } else { "#999999" };
            top += 20.0;
            let _ = writeln!(
                out,
                "<text x='228' y='{top}' text-anchor='end'>{}</text>",
                row.contestant
            );
            let _ = writeln!(
                out,
                "<rect x='236' y='{}' width='{width:.1}' height='13' rx='2' fill='{colour}'/>",
                top - 11.0
            );
            let _ = writeln!(
                out,
                "<text x='{:.1}' y='{top}'>{times:.1}</text>",
                242.0 + width
            );
        }
    }
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 700 {h}' width='700' height='{h}' font-family='sans-serif' font-size='12'>\n\
         <style>text {{ fill: currentColor }}</style>\n{out}</svg>\n",
        h = top + 16.0
    )
}
