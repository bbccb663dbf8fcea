//! Series over a number: criteria over checkpoints, batches or seeds.

use super::{
    Axis, CsvTable, Estimate,
    axis::Scale,
    frame::{Key, Sheet, WIDTH, gutter},
    owned,
    palette::{Ink, dash, marker},
    svg::{Anchor, Font, Pen, joined},
    text::{self, shown},
};

const FEW: usize = 12;

/// Lines with markers; intervals are drawn as bands.
#[derive(Debug, Clone, PartialEq)]
pub struct Lines {
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// Name and points of each line.
    pub series: Vec<(String, Vec<(f64, Estimate)>)>,
}

impl Lines {
    /// Axes without any line.
    pub fn new(x: Axis, y: Axis) -> Self {
        Self { x, y, series: Vec::new() }
    }

    /// Adds a line.
    #[must_use]
    pub fn series(mut self, name: &str, points: impl IntoIterator<Item = (f64, Estimate)>) -> Self {
        self.series.push((name.to_owned(), points.into_iter().collect()));
        self
    }

    fn points(&self) -> impl Iterator<Item = &(f64, Estimate)> {
        self.series.iter().flat_map(|(_, points)| points)
    }

    pub(super) fn svg(&self, title: &str) -> String {
        let mut sheet = Sheet::new(title, WIDTH);
        let names: Vec<&str> = self.series.iter().map(|(name, _)| name.as_str()).collect();
        sheet.legend(&names, Key::Line);
        let y = Scale::new(&self.y, self.points().flat_map(|(_, it)| it.numbers()), false, 5);
        let x = self.across();
        let left = gutter([&y]);
        let area = sheet.area(&self.y, y, left, 280.0);
        sheet.below(&area, &self.x, &x);
        let mut undefined = Vec::new();
        for (i, (name, points)) in self.series.iter().enumerate() {
            let ink = Ink::Series(i);
            let placed = points.iter().filter(|(at, _)| x.holds(*at));
            let runs: Vec<Vec<&(f64, Estimate)>> = runs(placed.collect());
            for run in &runs {
                let edge = |bound: usize| {
                    run.iter().filter_map(move |(_, it)| it.interval.map(|it| it[bound]))
                };
                let xs = run.iter().filter(|(_, it)| it.interval.is_some());
                let xs: Vec<f64> = xs.map(|(at, _)| area.x(&x, *at)).collect();
                let upper = xs.iter().zip(edge(1)).map(|(x, y)| [*x, area.y(y)]);
                let lower = xs.iter().zip(edge(0)).map(|(x, y)| [*x, area.y(y)]);
                let band: Vec<[f64; 2]> =
                    upper.chain(lower.collect::<Vec<_>>().into_iter().rev()).collect();
                if xs.len() > 1 {
                    sheet.svg.fill(&(joined(&band) + "Z"), ink, 0.15);
                }
            }
            for run in &runs {
                let at = |(at, it): &(f64, Estimate)| {
                    it.value.number().map(|value| [area.x(&x, *at), area.y(value)])
                };
                let line: Vec<[f64; 2]> = run.iter().filter_map(|point| at(point)).collect();
                sheet.svg.stroke(&joined(&line), Pen { ink, width: 2.0, dash: dash(i) });
                for (point, [px, py]) in run.iter().zip(line) {
                    let tip = format!("{name} at {}: {}", shown_x(point.0), point.1.told());
                    sheet.svg.told(&tip, |svg| svg.fill(&marker(i, px, py, 3.5), ink, 1.0));
                }
            }
            for (at, it) in points.iter().filter(|(_, it)| it.value.number().is_none()) {
                let (what, reason) = (format!("{name} at {}", shown_x(*at)), it.value.reason());
                if x.holds(*at) {
                    let font = Font { ink, ..Font::LABEL }.anchored(Anchor::Middle);
                    let place = [area.x(&x, *at), area.bottom - 4.0];
                    sheet.svg.told(&format!("{what}: {reason}"), |svg| svg.text(place, "×", font));
                }
                undefined.push((what, reason.to_owned()));
            }
        }
        sheet.undefined(&undefined);
        sheet.finish()
    }

    /// The horizontal scale; if the points have few positions, these are the ticks.
    fn across(&self) -> Scale {
        let tight = tight(&self.x, self.points().map(|(x, _)| *x));
        let mut scale = Scale::new(&tight, std::iter::empty(), false, 8);
        let mut places: Vec<f64> =
            self.points().map(|(x, _)| *x).filter(|it| scale.holds(*it)).collect();
        places.sort_by(f64::total_cmp);
        places.dedup();
        if (2..=FEW).contains(&places.len()) && self.x.range.is_none() {
            scale.ticks = places.into_iter().map(|it| (it, shown_x(it))).collect();
        }
        scale
    }

    pub(super) fn table(&self) -> CsvTable<'_> {
        let mut header = owned(&["series"]);
        header.extend([self.x.label.clone(), self.y.label.clone()]);
        header.extend(owned(&["low", "high", "undefined"]));
        let lines = self.series.iter().flat_map(|(name, points)| {
            points.iter().map(move |(at, it)| {
                [name.as_str().into(), (*at).into()].into_iter().chain(it.fields()).collect()
            })
        });
        (header, lines.collect())
    }
}

/// Ends the axis where the data ends, so that lines run from edge to edge.
fn tight(axis: &Axis, values: impl Iterator<Item = f64>) -> Axis {
    let usable = values.filter(|it| it.is_finite() && (!axis.log || *it > 0.0));
    let ends = usable.fold(None, |ends: Option<[f64; 2]>, it| {
        Some(ends.map_or([it, it], |[low, high]| [low.min(it), high.max(it)]))
    });
    Axis { range: axis.range.or(ends.filter(|[low, high]| low < high)), ..axis.clone() }
}

/// Stretches without undefined values.
fn runs(points: Vec<&(f64, Estimate)>) -> Vec<Vec<&(f64, Estimate)>> {
    let parts = points.split(|(_, it)| it.value.number().is_none());
    parts.map(<[_]>::to_vec).filter(|run| !run.is_empty()).collect()
}

fn shown_x(value: f64) -> String {
    match value.fract() == 0.0 && value.abs() < 1e7 {
        true => text::places(value, 0),
        false => shown(value),
    }
}
