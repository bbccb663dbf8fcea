//! Numbers with intervals, one per line, like a leaderboard.

use super::{
    Axis, CsvTable, Estimate,
    axis::Scale,
    frame::{Area, MARGIN, Sheet, WIDTH},
    owned,
    palette::{Ink, marker},
    svg::{Anchor, Font, Pen, rect},
    text,
};

const HEIGHT: f64 = 24.0;
/// Width of bold text, relative to normal text.
const BOLD: f64 = 1.12;

/// Dots with intervals, one per line.
#[derive(Debug, Clone, PartialEq)]
pub struct Intervals {
    /// The quantity of the numbers.
    pub x: Axis,
    /// Name, number, and true if the line stands out.
    pub rows: Vec<(String, Estimate, bool)>,
}

impl Intervals {
    /// An axis without any line.
    pub fn new(x: Axis) -> Self {
        Self { x, rows: Vec::new() }
    }

    /// Adds a line.
    #[must_use]
    pub fn row(mut self, name: &str, estimate: impl Into<Estimate>, stands_out: bool) -> Self {
        self.rows.push((name.to_owned(), estimate.into(), stands_out));
        self
    }

    pub(super) fn svg(&self, title: &str) -> String {
        let mut sheet = Sheet::new(title, WIDTH);
        let font = Font::LABEL;
        let names = self.rows.iter().map(|(name, ..)| text::width(name, font.size) * BOLD);
        let left = MARGIN + names.fold(40.0, f64::max).min(230.0) + 14.0;
        let numbers: Vec<f64> = self.rows.iter().flat_map(|(_, it, _)| it.numbers()).collect();
        let largest = numbers.iter().copied().map(f64::abs).fold(0.0, f64::max);
        let x = Scale::new(&self.x, numbers.into_iter(), false, 6);
        let (top, height) = (sheet.y + 8.0, HEIGHT * self.rows.len() as f64 + 8.0);
        let (right, empty) = (sheet.width - MARGIN - 52.0, Axis::new(""));
        let y = Scale::new(&empty, std::iter::empty(), false, 1);
        let area = Area::bare([left, right, top, top + height], y);
        for (value, _) in &x.ticks {
            let at = area.x(&x, *value);
            let ink = if *value == 0.0 { Ink::Muted } else { Ink::Grid };
            sheet.svg.line([at, top], [at, top + height], Pen::new(ink, 1.0));
        }
        for (i, (name, it, stands_out)) in self.rows.iter().enumerate() {
            let y = top + HEIGHT * (i as f64 + 0.5) + 4.0;
            let label =
                text::clipped(name, font.size * if *stands_out { BOLD } else { 1.0 }, 230.0);
            let bold = Font { bold: *stands_out, ..font };
            sheet.svg.text([left - 12.0, y + 4.0], &label, bold.anchored(Anchor::End));
            let Some(value) = it.value.number() else {
                let told = text::clipped(&it.told(), font.size, sheet.width - MARGIN - left - 8.0);
                sheet.svg.told(&it.told(), |svg| {
                    let behind = [left + 4.0, y - 9.0, text::width(&told, font.size) + 8.0, 18.0];
                    svg.fill(&rect(behind), Ink::Paper, 1.0);
                    svg.text([left + 8.0, y + 4.0], &told, Font::TICK);
                });
                continue;
            };
            let series = usize::from(*stands_out);
            let ink = Ink::Series(series);
            sheet.svg.told(&format!("{name}: {}", it.told()), |svg| {
                if let Some([low, high]) = it.interval {
                    let ends = [area.x(&x, low), area.x(&x, high)];
                    svg.line([ends[0], y], [ends[1], y], Pen::new(ink, 2.0));
                    for end in ends {
                        svg.line([end, y - 4.0], [end, y + 4.0], Pen::new(ink, 2.0));
                    }
                }
                svg.fill(&marker(series, area.x(&x, value), y, 4.5), ink, 1.0);
            });
            let at = [sheet.width - MARGIN, y + 4.0];
            sheet.svg.text(at, &text::shown_among(value, largest), bold.anchored(Anchor::End));
        }
        sheet.below(&area, &self.x, &x);
        sheet.finish()
    }

    pub(super) fn table(&self) -> CsvTable<'_> {
        let mut header = owned(&["name"]);
        header.push(self.x.label.clone());
        header.extend(owned(&["low", "high", "undefined"]));
        let lines = self.rows.iter().map(|(name, it, _)| {
            std::iter::once(name.as_str().into()).chain(it.fields()).collect()
        });
        (header, lines.collect())
    }
}
