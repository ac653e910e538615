//! Charts of numbers over time, as SVG.

use std::fmt::Write as _;

use maud::{Markup, PreEscaped, html};

/// A chart, with its content in words.
pub(super) struct Chart {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// The summary in numbers; `about` explains it.
    pub(super) value: String,
    pub(super) about: String,
    /// The unit of the vertical axis.
    pub(super) unit: &'static str,
    /// The text shown while there is no data.
    pub(super) nothing: &'static str,
    pub(super) shape: Shape,
    pub(super) series: Vec<Series>,
}

/// A data series, the oldest value first.
pub(super) struct Series {
    pub(super) name: String,
    /// `None` where there is no data.
    pub(super) values: Vec<Option<f64>>,
}

#[derive(Clone, Copy)]
pub(super) enum Shape {
    Lines,
    /// Stacked bars.
    Bars,
}

impl Chart {
    /// Renders the chart as HTML.
    pub(super) fn figure(&self) -> Markup {
        let Self { id, value, .. } = self;
        let top = top(self.highest());
        let drawing = match self.shape {
            _ if self.highest() <= 0.0 => self.nothing(),
            Shape::Lines => self.lines(top),
            Shape::Bars => self.bars(top),
        };
        let (title_id, value_id) = (format!("{id}-title"), format!("{id}-value"));
        html! {
            figure.panel.chart id=(id) {
                figcaption {
                    h2 { (self.title) }
                    p { strong { (value) } }
                    p { (self.about) }
                }
                svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img"
                    aria-labelledby={ (title_id) " " (value_id) } {
                    title id=(title_id) { (self.title) }
                    desc id=(value_id) { (value) ". " (self.about) }
                    text.unit x="4" y="11" { (self.unit) }
                    (PreEscaped(axes(top)))
                    (PreEscaped(drawing))
                }
                // A single series is named by the title.
                @if self.series.len() > 1 { (self.legend()) }
            }
        }
    }

    /// The name of each series, with a sample of its colour.
    fn legend(&self) -> Markup {
        html! {
            ul.legend {
                @for (i, series) in self.series.iter().enumerate() {
                    li {
                        svg viewBox="0 0 24 12" aria-hidden="true" {
                            @match self.shape {
                                Shape::Lines => path class={ "line-" (i) } d="M1 6H23" {},
                                Shape::Bars => rect class={ "fill-" (i) } width="24" height="12" rx="3" {},
                            }
                        }
                        (series.name)
                    }
                }
            }
        }
    }

    fn nothing(&self) -> String {
        let (x, y) = (LEFT + PLOT_WIDTH / 2.0, UPPER + PLOT_HEIGHT / 4.0);
        let nothing = self.nothing;
        format!(r#"<text class="nothing" x="{x}" y="{y}" text-anchor="middle">{nothing}</text>"#)
    }

    fn lines(&self, top: f64) -> String {
        let mut lines = String::new();
        for (i, series) in self.series.iter().enumerate() {
            let mut path = String::new();
            let mut is_drawing = false;
            for (x, value) in columns(series) {
                if let Some(value) = value {
                    let (left, right) = (x - COLUMN / 2.0, x + COLUMN / 2.0);
                    let (to, y) = (
                        if is_drawing { 'L' } else { 'M' },
                        FLOOR - height(value, top),
                    );
                    let _ = write!(path, "{to}{left:.1} {y:.1}H{right:.1}");
                }
                is_drawing = value.is_some();
            }
            let _ = write!(lines, r#"<path class="line-{i}" d="{path}"/>"#);
        }
        lines
    }

    fn bars(&self, top: f64) -> String {
        let mut bars = String::new();
        let mut floors = vec![FLOOR; self.series.first().map_or(0, |first| first.values.len())];
        for (i, series) in self.series.iter().enumerate() {
            for ((x, value), floor) in columns(series).zip(&mut floors) {
                let height = height(value.unwrap_or(0.0), top);
                if height > 0.0 {
                    *floor -= height;
                    let (left, width) = (x - BAR / 2.0, BAR);
                    let _ = write!(
                        bars,
                        r#"<rect class="fill-{i}" x="{left:.1}" y="{floor:.1}" width="{width:.1}" height="{height:.1}"/>"#
                    );
                }
            }
        }
        bars
    }

    /// The highest value that the vertical axis must show.
    fn highest(&self) -> f64 {
        let length = self.series.iter().map(|series| series.values.len()).max();
        let at = |i| self.series.iter().filter_map(move |it| *it.values.get(i)?);
        let columns = (0..length.unwrap_or(0)).map(|i| match self.shape {
            Shape::Lines => at(i).fold(0.0, f64::max),
            Shape::Bars => at(i).sum(),
        });
        columns.fold(0.0, f64::max)
    }
}

/// The horizontal centre and the value of each column.
fn columns(series: &Series) -> impl Iterator<Item = (f64, Option<f64>)> {
    let middles = std::iter::successors(Some(LEFT + COLUMN / 2.0), |x| Some(x + COLUMN));
    middles.zip(series.values.iter().copied())
}

fn height(value: f64, top: f64) -> f64 {
    value / top * PLOT_HEIGHT
}

fn axes(top: f64) -> String {
    let mut axes = String::new();
    for part in [0.0, 0.5, 1.0] {
        let y = FLOOR - part * PLOT_HEIGHT;
        let (right, label_y) = (LEFT + PLOT_WIDTH, y + 4.0);
        let (label_x, label) = (LEFT - 6.0, number(top * part));
        let _ = write!(
            axes,
            r#"<path class="grid-line" d="M{LEFT} {y}H{right}"/><text x="{label_x}" y="{label_y}" text-anchor="end">{label}</text>"#
        );
    }
    for (part, anchor, label) in [
        (0.0, "start", "10 min ago"),
        (0.5, "middle", "5 min ago"),
        (1.0, "end", "now"),
    ] {
        let (x, y) = (LEFT + part * PLOT_WIDTH, FLOOR + 18.0);
        let _ = write!(
            axes,
            r#"<text x="{x}" y="{y}" text-anchor="{anchor}">{label}</text>"#
        );
    }
    axes
}

/// Rounds up to a number whose half is easy to read.
fn top(highest: f64) -> f64 {
    let mut unit = if highest < 1.0 { 0.001 } else { 1.0 };
    loop {
        for step in [2.0, 4.0, 10.0] {
            if step * unit >= highest {
                return if highest > 0.0 { step * unit } else { 2.0 };
            }
        }
        unit *= 10.0;
    }
}

/// Formats a number with at most three decimal places.
pub(super) fn number(number: f64) -> String {
    let digits = match number {
        10.0.. => 0,
        1.0.. => 1,
        0.1.. => 2,
        _ => 3,
    };
    let text = format!("{number:.digits$}");
    if text.contains('.') {
        let text = text.trim_end_matches('0').trim_end_matches('.');
        return text.to_owned();
    }
    text
}

/// The width of a phone screen: the text has its nominal size there and is larger on a desktop.
const WIDTH: f64 = 320.0;
const HEIGHT: f64 = 180.0;
const LEFT: f64 = 40.0;
const UPPER: f64 = 24.0;
const FLOOR: f64 = 154.0;
const PLOT_WIDTH: f64 = 276.0;
const PLOT_HEIGHT: f64 = FLOOR - UPPER;
/// The width of one of sixty columns.
const COLUMN: f64 = PLOT_WIDTH / 60.0;
const BAR: f64 = COLUMN * 0.8;
