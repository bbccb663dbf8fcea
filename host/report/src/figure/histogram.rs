//! Histograms over common bins.

use super::{
    Axis, CsvTable,
    axis::Scale,
    frame::{Area, Key, Sheet, WIDTH, gutter},
    owned,
    palette::{Ink, dash},
    svg::{Pen, joined},
};

/// Distributions of the values of several series.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    /// The quantity of the values.
    pub x: Axis,
    /// Name and values of each series; values that are not finite are counted apart.
    pub series: Vec<(String, Vec<f64>)>,
}

impl Histogram {
    /// An axis without any series.
    pub fn new(x: Axis) -> Self {
        Self { x, series: Vec::new() }
    }

    /// Adds a series.
    #[must_use]
    pub fn series(mut self, name: &str, values: impl IntoIterator<Item = f64>) -> Self {
        self.series.push((name.to_owned(), values.into_iter().collect()));
        self
    }

    fn usable(&self, values: &[f64]) -> Vec<f64> {
        let scale = |it: f64| if self.x.log { it.log10() } else { it };
        values.iter().copied().map(scale).filter(|it| it.is_finite()).collect()
    }

    /// Edges of 8 to 60 bins. The width is the smallest that the rule of Freedman and
    /// Diaconis gives for a series.
    fn edges(&self) -> Vec<f64> {
        let mut all: Vec<Vec<f64>> = self.series.iter().map(|(_, it)| self.usable(it)).collect();
        let [low, high] = match self.x.range {
            Some(range) if self.x.log => range.map(f64::log10),
            Some(range) => range,
            None => {
                let ends = all.iter().flatten();
                ends.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], it| {
                    [low.min(*it), high.max(*it)]
                })
            }
        };
        if low >= high || !(high - low).is_finite() {
            let at = if low.is_finite() { low } else { 0.0 };
            return vec![at - 0.5, at + 0.5];
        }
        let width = |values: &mut Vec<f64>| {
            values.sort_by(f64::total_cmp);
            let quartile = |q: usize| values.get(values.len() * q / 4).copied().unwrap_or(0.0);
            2.0 * (quartile(3) - quartile(1)) / (values.len() as f64).cbrt()
        };
        let widths = all.iter_mut().map(width).filter(|it| it.is_finite() && *it > 0.0);
        let width = widths.fold(f64::INFINITY, f64::min);
        let bins = ((high - low) / width).ceil().clamp(8.0, 60.0) as usize;
        (0..=bins).map(|i| low + (high - low) * i as f64 / bins as f64).collect()
    }

    /// Counts per bin; values outside the edges count in the outermost bins.
    fn counts(&self, values: &[f64], edges: &[f64]) -> Vec<usize> {
        let bins = edges.len() - 1;
        let (low, high) = (edges[0], edges[bins]);
        let mut counts = vec![0; bins];
        for value in self.usable(values) {
            let at = ((value - low) / (high - low) * bins as f64) as usize;
            counts[at.min(bins - 1)] += 1;
        }
        counts
    }

    pub(super) fn svg(&self, title: &str) -> String {
        let edges = self.edges();
        let shares: Vec<Vec<f64>> = self
            .series
            .iter()
            .map(|(_, values)| {
                let counts = self.counts(values, &edges);
                let all = counts.iter().sum::<usize>().max(1) as f64;
                counts.into_iter().map(|it| 100.0 * it as f64 / all).collect()
            })
            .collect();
        let mut sheet = Sheet::new(title, WIDTH);
        let names: Vec<&str> = self.series.iter().map(|(name, _)| name.as_str()).collect();
        sheet.legend(&names, Key::Line);
        let y_axis = Axis::new("Share of values in each bin (%)");
        let y = Scale::new(&y_axis, shares.iter().flatten().copied(), true, 5);
        let outer = [self.shown(edges[0]), self.shown(edges[edges.len() - 1])];
        let x = Axis { range: Some(outer), ..self.x.clone() };
        let x = Scale::new(&x, std::iter::empty(), false, 8);
        let left = gutter([&y]);
        let area = sheet.area(&y_axis, y, left, 260.0);
        for (i, shares) in shares.iter().enumerate() {
            let outline = self.outline(&area, &x, &edges, shares);
            let pen = Pen { ink: Ink::Series(i), width: 2.0, dash: dash(i) };
            sheet.svg.told(names[i], |svg| {
                svg.fill(&(joined(&outline) + "Z"), Ink::Series(i), 0.14);
                svg.stroke(&joined(&outline), pen);
            });
        }
        sheet.below(&area, &self.x, &x);
        let undefined = self.series.iter().filter_map(|(name, values)| {
            let left_out = values.len() - self.usable(values).len();
            let reason = if self.x.log { "not finite or not above 0" } else { "not finite" };
            let what = format!("{left_out} of {} values of {name}", values.len());
            (left_out > 0).then(|| (what, reason.to_owned()))
        });
        sheet.undefined(&undefined.collect::<Vec<_>>());
        sheet.finish()
    }

    fn outline(&self, area: &Area, x: &Scale, edges: &[f64], shares: &[f64]) -> Vec<[f64; 2]> {
        let at = |edge: f64, share: f64| [area.x(x, self.shown(edge)), area.y(share)];
        let steps = shares.iter().zip(edges.windows(2));
        let tops = steps.flat_map(|(share, ends)| [at(ends[0], *share), at(ends[1], *share)]);
        let (first, last) = (edges[0], edges[edges.len() - 1]);
        [at(first, 0.0)].into_iter().chain(tops).chain([at(last, 0.0)]).collect()
    }

    /// An edge in the unit of the values.
    fn shown(&self, edge: f64) -> f64 {
        if self.x.log { 10_f64.powf(edge) } else { edge }
    }

    pub(super) fn table(&self) -> CsvTable<'_> {
        let edges = self.edges();
        let mut lines = Vec::new();
        for (name, values) in &self.series {
            for (count, ends) in self.counts(values, &edges).iter().zip(edges.windows(2)) {
                let [from, to] = [ends[0], ends[1]].map(|it| self.shown(it).into());
                lines.push(vec![name.as_str().into(), from, to, (*count).into()]);
            }
        }
        (owned(&["series", "from", "to", "count"]), lines)
    }
}
