//! Grouped bars. Quantities with different units get separate panels, one below the
//! other, not a second axis.

use super::{
    Axis, CsvTable, Estimate,
    axis::Scale,
    frame::{Area, Key, Sheet, WIDTH, filled, gutter, whisker},
    owned,
    palette::Ink,
    svg::{Anchor, Font, Pen, paragraph},
    text,
};

/// Bars of several series, side by side in each group.
#[derive(Debug, Clone, PartialEq)]
pub struct Bars {
    /// What the groups stand for.
    pub label: String,
    /// Names of the groups.
    pub groups: Vec<String>,
    /// Lower and upper bound of each group; empty if groups are no ranges.
    pub bounds: Vec<[f64; 2]>,
    /// Names of the series, the same in every panel.
    pub series: Vec<String>,
    /// One panel per quantity.
    pub panels: Vec<Panel>,
}

/// The bars of one quantity.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// The vertical axis.
    pub y: Axis,
    /// Values by series, then by group.
    pub values: Vec<Vec<Estimate>>,
}

impl Bars {
    /// Groups and series, without any panel.
    pub fn new(label: &str, groups: &[&str], series: &[&str]) -> Self {
        let (groups, series) = (owned(groups), owned(series));
        Self { label: label.to_owned(), groups, bounds: Vec::new(), series, panels: Vec::new() }
    }

    /// Sets the range of each group, for the CSV file: names of groups have rounded
    /// numbers.
    #[must_use]
    pub fn bounds(self, bounds: Vec<[f64; 2]>) -> Self {
        Self { bounds, ..self }
    }

    /// Adds a panel: values by series, then by group.
    #[must_use]
    pub fn panel(mut self, y: Axis, values: Vec<Vec<Estimate>>) -> Self {
        self.panels.push(Panel { y, values });
        self
    }

    pub(super) fn svg(&self, title: &str) -> String {
        let bars = (self.groups.len() * (self.series.len() + 1)) as f64;
        let mut sheet = Sheet::new(title, (bars * 9.0 + 80.0).clamp(WIDTH, 1600.0));
        let names: Vec<&str> = self.series.iter().map(String::as_str).collect();
        sheet.legend(&names, Key::Fill);
        let scale = |panel: &Panel| {
            let numbers = panel.values.iter().flatten().flat_map(Estimate::numbers);
            Scale::new(&panel.y, numbers, true, 5)
        };
        let scales: Vec<Scale> = self.panels.iter().map(scale).collect();
        let left = gutter(&scales);
        let height = if self.panels.len() > 1 { 170.0 } else { 260.0 };
        let mut undefined = Vec::new();
        for (i, (panel, scale)) in self.panels.iter().zip(scales).enumerate() {
            let area = sheet.area(&panel.y, scale, left, height);
            self.draw(&mut sheet, panel, &area);
            undefined.extend(self.undefined(panel));
            if i + 1 == self.panels.len() {
                self.names(&mut sheet, &area);
            }
            sheet.y += 10.0;
        }
        sheet.undefined(&undefined);
        sheet.finish()
    }

    /// Left edge of a group's bars, and the width of one bar, in pixels.
    fn slot(&self, area: &Area, group: usize) -> (f64, f64) {
        let room = (area.right - area.left) / self.groups.len().max(1) as f64;
        let bar = (room * 0.78 / self.series.len().max(1) as f64).min(46.0);
        let used = bar * self.series.len() as f64;
        (area.left + room * group as f64 + (room - used) / 2.0, bar)
    }

    fn draw(&self, sheet: &mut Sheet, panel: &Panel, area: &Area) {
        for (s, (name, values)) in self.series.iter().zip(&panel.values).enumerate() {
            for (g, (group, it)) in self.groups.iter().zip(values).enumerate() {
                let (start, width) = self.slot(area, g);
                let x = start + width * s as f64;
                let tip = format!("{name}, {group}: {}", it.told());
                let Some(value) = it.value.number() else {
                    let at = [x + width / 2.0, area.y(0.0) - 4.0];
                    let font = Font { ink: Ink::Series(s), ..Font::LABEL }.anchored(Anchor::Middle);
                    sheet.svg.told(&tip, |svg| svg.text(at, "×", font));
                    continue;
                };
                let (zero, end) = (area.y(0.0), area.y(value));
                let inset = (width * 0.06).min(1.5);
                let place =
                    [x + inset, zero.min(end), width - 2.0 * inset, (zero - end).abs().max(0.5)];
                sheet.svg.told(&tip, |svg| {
                    filled(svg, s, place);
                    if let Some([low, high]) = it.interval {
                        let ends = [area.y(low), area.y(high)];
                        whisker(svg, x + width / 2.0, ends, Ink::Text);
                    }
                });
            }
        }
        let zero = area.y(0.0);
        sheet.svg.line([area.left, zero], [area.right, zero], Pen::new(Ink::Muted, 1.0));
    }

    fn names(&self, sheet: &mut Sheet, area: &Area) {
        let room = (area.right - area.left) / self.groups.len().max(1) as f64;
        let font = Font::TICK.anchored(Anchor::Middle);
        let mut lowest = area.bottom;
        for (g, group) in self.groups.iter().enumerate() {
            let name = text::clipped(group, font.size, (room - 4.0) * 2.0);
            let at = [area.left + room * (g as f64 + 0.5), area.bottom + 18.0];
            lowest = paragraph(&mut sheet.svg, at, &name, font, room - 4.0).max(lowest);
        }
        sheet.y = lowest - 12.0;
        sheet.name_below(area, &self.label);
    }

    fn undefined(&self, panel: &Panel) -> Vec<(String, String)> {
        let mut notes = Vec::new();
        for (name, values) in self.series.iter().zip(&panel.values) {
            for (group, it) in self.groups.iter().zip(values) {
                if it.value.number().is_none() {
                    let what = format!("{} of {name}, {group}", panel.y.label);
                    notes.push((what, it.value.reason().to_owned()));
                }
            }
        }
        notes
    }

    pub(super) fn table(&self) -> CsvTable<'_> {
        let mut header =
            owned(&["quantity", "series", "group", "value", "low", "high", "undefined"]);
        if !self.bounds.is_empty() {
            header.extend(owned(&["group_low", "group_high"]));
        }
        let mut lines = Vec::new();
        for panel in &self.panels {
            for (name, values) in self.series.iter().zip(&panel.values) {
                for (at, (group, it)) in self.groups.iter().zip(values).enumerate() {
                    let mut line =
                        [&panel.y.label, name, group].map(|it| it.as_str().into()).to_vec();
                    line.extend(it.fields());
                    line.extend(self.bounds.get(at).into_iter().flatten().map(|it| (*it).into()));
                    lines.push(line);
                }
            }
        }
        (header, lines)
    }
}
