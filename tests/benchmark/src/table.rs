//! The results as tables and a chart.

use std::fmt::Write as _;

use crate::measure::{Case, Cost, Kind};

/// A contestant, with its cost over its framework by case.
pub struct Row {
    pub contestant: &'static str,
    base: f64,
    cells: Vec<(Kind, Cost)>,
}

impl Row {
    /// The cost over the framework in this case.
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
                cells: vec![(case.kind, over)],
            }),
        }
    }
    rows
}

/// A Markdown table: nanoseconds over the bare framework, the ratio to the framework's own time, and allocations.
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

/// A chart of the cost of a read and a write over the bare framework in µs, with a separate scale for each kind of
/// store, because the bars of servers would make all others too short.
pub fn svg(rows: &[Row]) -> String {
    let mut out = String::new();
    let mut top = 20.0;
    let _ = writeln!(
        out,
        "<text x='{READ}' y='{top}'>read</text><text x='{WRITE}' y='{top}'>read + write</text>"
    );
    for place in ["memory", "cookie", "Redis", "PostgreSQL"] {
        let shown: Vec<_> = rows
            .iter()
            .filter(|row| {
                let kept = row.contestant.split_once(", ");
                kept.is_some_and(|(_, kept)| kept.starts_with(place))
            })
            .filter_map(|row| Some((row, row.cost(Kind::Read)?, row.cost(Kind::Write)?)))
            .collect();
        let costs = shown.iter().flat_map(|(_, read, write)| [read, write]);
        let longest = costs.map(|cost| cost.median).fold(1.0, f64::max);
        top += 12.0;
        for (row, read, write) in shown {
            top += 20.0;
            bars(&mut out, row.contestant, [read, write], longest, top);
        }
    }
    format!(
        "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {h}' width='{WIDTH}' height='{h}' font-family='sans-serif' font-size='12'>\n\
         <style>text {{ fill: #888888 }}</style>\n{out}</svg>\n",
        h = top + 16.0
    )
}

fn bars(out: &mut String, contestant: &str, costs: [Cost; 2], longest: f64, top: f64) {
    let colour = match contestant {
        ours if ours.starts_with("starsessions") => "#2f7ed8",
        floor if floor.contains("floor") || floor.starts_with("bare") => "#cccccc",
        _ => "#999999",
    };
    let x = READ - 8.0;
    let _ = writeln!(
        out,
        "<text x='{x}' y='{top}' text-anchor='end'>{contestant}</text>"
    );
    for (x, cost) in [READ, WRITE].into_iter().zip(costs) {
        let (microseconds, width) = (cost.median / 1e3, LONGEST * cost.median / longest);
        let digits = if microseconds < 20.0 { 1 } else { 0 };
        let (y, behind) = (top - 11.0, x + width + 6.0);
        let _ = writeln!(
            out,
            "<rect x='{x}' y='{y}' width='{width:.1}' height='13' rx='2' fill='{colour}'/>\
             <text x='{behind:.1}' y='{top}'>{microseconds:.digits$} µs</text>"
        );
    }
}

const WIDTH: f64 = 760.0;
/// The start of the bars of reads and of writes, and the maximum length of a bar.
const READ: f64 = 236.0;
const WRITE: f64 = 500.0;
const LONGEST: f64 = 190.0;
