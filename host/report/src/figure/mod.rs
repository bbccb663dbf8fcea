//! Charts as data, drawn as a self-contained SVG, with their numbers as CSV.
//!
//! Invariant: a figure is a function of its data, byte for byte. An undefined value is
//! named as such, and never drawn as a number.
//!
//! Every mark has its light colour as an attribute and its role as a class, so a page
//! can recolour the same SVG. Text stays text.

mod axis;
mod bars;
mod drawing;
mod frame;
mod heat_map;
mod histogram;
mod intervals;
mod layered;
mod lines;
mod palette;
mod scatter;
mod svg;
#[cfg(test)]
mod tests;
mod text;

pub use axis::Axis;
pub use bars::{Bars, Panel};
pub use drawing::{Drawing, Drawings, Node};
pub use heat_map::HeatMap;
pub use histogram::Histogram;
pub use intervals::Intervals;
pub use lines::Lines;
pub use scatter::{Mark, Scatter};
pub use text::shown;

use osee_files::csv_text::{Field, csv_text};

/// One chart of a report.
///
/// ```
/// use osee_report::figure::{Axis, Figure, Lines, Value};
///
/// let figure = Figure::new(
///     "kd-over-epochs",
///     "Ranking quality while the supernet trains",
///     Lines::new(Axis::new("Epoch"), Axis::new("KD").range(0.0, 1.0))
///         .series("accuracy", [(20.0, 0.41.into()), (40.0, 0.52.into())])
///         .series("loss", [(20.0, Value::undefined("all scores are equal").into()), (40.0, 0.55.into())]),
/// );
/// assert!(figure.svg().contains("undefined: loss at 20: all scores are equal"));
/// assert!(figure.csv().starts_with("series,Epoch,KD,low,high,undefined\naccuracy,20.0,0.41,,,\n"));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// File name of the figure; a page makes it unique and valid.
    pub name: String,
    /// One line on what the figure shows.
    pub title: String,
    /// Advice on how to read it, for the page only; may be empty.
    pub note: String,
    /// The chart to draw.
    pub chart: Chart,
}

impl Figure {
    /// A chart with its name and title, without a note.
    pub fn new(name: &str, title: &str, chart: impl Into<Chart>) -> Self {
        let (name, title) = (name.to_owned(), title.to_owned());
        Self { name, title, note: String::new(), chart: chart.into() }
    }

    /// Sets the advice on how to read it.
    #[must_use]
    pub fn note(self, note: &str) -> Self {
        Self { note: note.to_owned(), ..self }
    }

    /// The reason why nothing would be drawn; `None` if something is.
    pub fn nothing(&self) -> Option<String> {
        let values: Vec<&Value> = match &self.chart {
            Chart::Drawings(it) => {
                return it.drawings.is_empty().then(|| "there is no architecture".to_owned());
            }
            Chart::Histogram(it) => {
                let known =
                    it.series.iter().flat_map(|(_, values)| values).any(|it| it.is_finite());
                return (!known).then(|| "there are no values".to_owned());
            }
            Chart::Lines(it) => {
                let points = it.series.iter().flat_map(|(_, points)| points);
                points.map(|(_, estimate)| &estimate.value).collect()
            }
            Chart::Bars(it) => {
                let bars = it.panels.iter().flat_map(|panel| panel.values.iter().flatten());
                bars.map(|estimate| &estimate.value).collect()
            }
            Chart::HeatMap(it) => it.cells.iter().flatten().collect(),
            Chart::Scatter(it) => {
                let marks = it.groups.iter().flat_map(|(_, marks)| marks);
                marks.map(|mark| &mark.y.value).collect()
            }
            Chart::Intervals(it) => {
                it.rows.iter().map(|(_, estimate, _)| &estimate.value).collect()
            }
        };
        if values.iter().any(|value| value.number().is_some()) {
            return None;
        }
        Some(values.first().map_or("there are no values", |value| value.reason()).to_owned())
    }

    /// The figure as SVG.
    pub fn svg(&self) -> String {
        match &self.chart {
            Chart::Lines(it) => it.svg(&self.title),
            Chart::Bars(it) => it.svg(&self.title),
            Chart::Histogram(it) => it.svg(&self.title),
            Chart::HeatMap(it) => it.svg(&self.title),
            Chart::Scatter(it) => it.svg(&self.title),
            Chart::Intervals(it) => it.svg(&self.title),
            Chart::Drawings(it) => it.svg(&self.title),
        }
    }

    /// The numbers as CSV, one observation per line.
    pub fn csv(&self) -> String {
        let (header, lines) = match &self.chart {
            Chart::Lines(it) => it.table(),
            Chart::Bars(it) => it.table(),
            Chart::Histogram(it) => it.table(),
            Chart::HeatMap(it) => it.table(),
            Chart::Scatter(it) => it.table(),
            Chart::Intervals(it) => it.table(),
            Chart::Drawings(it) => it.table(),
        };
        csv_text(header, lines)
    }
}

/// A chart of any kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Chart {
    /// Series over a number, such as criteria over checkpoints.
    Lines(Lines),
    /// Grouped bars, in one panel or several.
    Bars(Bars),
    /// Distributions over common bins.
    Histogram(Histogram),
    /// A matrix with its numbers.
    HeatMap(HeatMap),
    /// Named points, such as quality against cost.
    Scatter(Scatter),
    /// Numbers with intervals, one per line.
    Intervals(Intervals),
    /// Architectures side by side.
    Drawings(Drawings),
}

macro_rules! chart_from {
    ($($kind:ident),*) => {$(
        impl From<$kind> for Chart {
            fn from(it: $kind) -> Self {
                Self::$kind(it)
            }
        }
    )*};
}
chart_from!(Lines, Bars, Histogram, HeatMap, Scatter, Intervals, Drawings);

/// A finite number, or the reason why it is undefined.
#[derive(Debug, Clone, PartialEq)]
pub struct Value(Result<f64, String>);

impl Value {
    /// An undefined value, for this reason.
    pub fn undefined(reason: &str) -> Self {
        Self(Err(reason.to_owned()))
    }

    /// The number; without one, or with one that is not finite, an undefined value.
    pub fn known_or(value: Option<f64>, reason: &str) -> Self {
        value.map_or_else(|| Self::undefined(reason), Self::from)
    }

    /// The number; `None` if it is undefined.
    pub fn number(&self) -> Option<f64> {
        self.0.as_ref().ok().copied()
    }

    /// The reason why the value is undefined; empty for a number.
    pub fn reason(&self) -> &str {
        self.0.as_ref().err().map_or("", String::as_str)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        match value.is_finite() {
            true => Self(Ok(value)),
            false => Self(Err(format!("the number is {value}"))),
        }
    }
}

/// A value with an interval.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// The estimated value.
    pub value: Value,
    /// Lower and upper bound, if known.
    pub interval: Option<[f64; 2]>,
}

impl Estimate {
    /// A value with its interval; an interval that is not finite is dropped.
    pub fn within(value: impl Into<Value>, interval: Option<[f64; 2]>) -> Self {
        let interval = interval.filter(|[low, high]| low.is_finite() && high.is_finite());
        Self { value: value.into(), interval }
    }

    /// Value and bounds, as far as they are known.
    fn numbers(&self) -> impl Iterator<Item = f64> {
        self.value.number().into_iter().chain(self.interval.into_iter().flatten())
    }

    /// Value, bounds and reason as fields of a CSV file.
    fn fields(&self) -> [Field<'_>; 4] {
        let bound = |at: usize| Field::from(self.interval.map(|it| it[at]));
        [self.value.number().into(), bound(0), bound(1), self.value.reason().into()]
    }

    /// Text of a mark's tooltip.
    fn told(&self) -> String {
        match (self.value.number(), self.interval) {
            (None, _) => format!("undefined: {}", self.value.reason()),
            (Some(it), None) => shown(it),
            (Some(it), Some([a, b])) => format!("{} ({} to {})", shown(it), shown(a), shown(b)),
        }
    }
}

impl<T: Into<Value>> From<T> for Estimate {
    fn from(value: T) -> Self {
        Self::within(value, None)
    }
}

/// Header and lines of a CSV file.
type CsvTable<'a> = (Vec<String>, Vec<Vec<Field<'a>>>);

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}
