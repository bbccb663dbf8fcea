//! A matrix shown by colours and numbers.

use super::{
    CsvTable, Value,
    frame::{MARGIN, Sheet, WIDTH},
    owned,
    palette::Ink,
    svg::{Anchor, Font, Pen, rect},
    text,
};

const HEIGHT: f64 = 26.0;

/// Numbers between `-limit` and `limit`, such as KD between estimators.
#[derive(Debug, Clone, PartialEq)]
pub struct HeatMap {
    /// Names of the rows.
    pub rows: Vec<String>,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Values by row, then by column.
    pub cells: Vec<Vec<Value>>,
    /// Absolute value of the strongest colour.
    pub limit: f64,
    /// Decimals of the numbers.
    pub places: usize,
}

impl HeatMap {
    /// Correlations, which lie between -1 and 1.
    pub fn correlations(rows: &[&str], columns: &[&str], cells: Vec<Vec<Value>>) -> Self {
        Self { rows: owned(rows), columns: owned(columns), cells, limit: 1.0, places: 2 }
    }

    fn texts(&self) -> Vec<Vec<String>> {
        let text = |it: &Value| {
            it.number().map_or_else(|| "×".to_owned(), |it| text::places(it, self.places))
        };
        self.cells.iter().map(|row| row.iter().map(text).collect()).collect()
    }

    pub(super) fn svg(&self, title: &str) -> String {
        let font = Font::LABEL;
        let texts = self.texts();
        let widest = |names: &mut dyn Iterator<Item = &String>, least: f64| {
            names.map(|it| text::width(it, font.size)).fold(least, f64::max)
        };
        let mut cell = (widest(&mut texts.iter().flatten(), 26.0) + 10.0).ceil();
        let left = MARGIN + widest(&mut self.rows.iter(), 30.0).min(220.0) + 10.0;
        // Names of columns are slanted if space is short.
        let name = widest(&mut self.columns.iter(), 0.0);
        if left + (name + 10.0) * self.columns.len() as f64 <= WIDTH / 2.0 {
            cell = cell.max((name + 10.0).ceil());
        }
        let slanted = name > cell - 6.0;
        let head = if slanted { name.min(160.0) * 0.5 + 18.0 } else { 22.0 };
        let overhang = if slanted { name.min(160.0) * 0.87 } else { 0.0 };
        let width = left + cell * self.columns.len() as f64 + overhang.max(MARGIN);
        let mut sheet = Sheet::new(title, width.max(360.0));
        let top = sheet.y + 8.0 + head;
        for (c, column) in self.columns.iter().enumerate() {
            let x = left + cell * (c as f64 + 0.5);
            let text = text::clipped(column, font.size, 160.0);
            match slanted {
                true => sheet.svg.slanted([x - 4.0, top - 8.0], &text, Font::TICK),
                false => {
                    sheet.svg.text([x, top - 8.0], &text, Font::TICK.anchored(Anchor::Middle));
                }
            }
        }
        let mut undefined = Vec::new();
        for (r, row) in self.rows.iter().enumerate() {
            let y = top + HEIGHT * r as f64;
            let name = text::clipped(row, font.size, 220.0);
            sheet.svg.text([left - 8.0, y + 17.0], &name, font.anchored(Anchor::End));
            let cells = self.cells.get(r).into_iter().flatten().zip(&texts[r]);
            for ((c, column), (it, text)) in self.columns.iter().enumerate().zip(cells) {
                let place = [left + cell * c as f64, y, cell, HEIGHT];
                let step = it.number().map(|it| (it / self.limit * 5.0).round() as i32);
                let tip = match it.number() {
                    Some(_) => format!("{row}, {column}: {text}"),
                    None => format!("{row}, {column}: {}", it.reason()),
                };
                if step.is_none() {
                    undefined.push((format!("{row}, {column}"), it.reason().to_owned()));
                }
                let (fill, ink) = match step {
                    Some(step) => (Ink::Heat(step), Ink::OnHeat(step)),
                    None => (Ink::Paper, Ink::Muted),
                };
                sheet.svg.told(&tip, |svg| {
                    svg.shape(&rect(place), fill, Pen::new(Ink::Paper, 1.5));
                    let font = Font { ink, ..font }.anchored(Anchor::Middle);
                    svg.text([place[0] + cell / 2.0, y + 17.0], text, font);
                });
            }
        }
        sheet.y = top + HEIGHT * self.rows.len() as f64;
        sheet.undefined(&undefined);
        sheet.finish()
    }

    pub(super) fn table(&self) -> CsvTable<'_> {
        let mut lines = Vec::new();
        for (row, cells) in self.rows.iter().zip(&self.cells) {
            for (column, it) in self.columns.iter().zip(cells) {
                let names = [row.as_str().into(), column.as_str().into()];
                lines.push([names, [it.number().into(), it.reason().into()]].concat());
            }
        }
        (owned(&["row", "column", "value", "undefined"]), lines)
    }
}
