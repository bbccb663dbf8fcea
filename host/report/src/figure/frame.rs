//! The frame around most figures' marks: title, legend, grid, axes and, below them, a
//! list of undefined values.

use super::{
    axis::{Axis, Scale},
    palette::{Ink, dash, hatch, marker},
    svg::{Anchor, Font, Pen, Svg, joined, paragraph, rect},
    text,
};

/// Left and right margin, in pixels.
pub(super) const MARGIN: f64 = 12.0;
/// Default width of a figure, in pixels.
pub(super) const WIDTH: f64 = 740.0;
/// Most reasons for undefined values that are written out; more are counted.
const TOLD: usize = 4;

/// Symbol of a series in the legend.
#[derive(Debug, Clone, Copy)]
pub(super) enum Key {
    /// A line with markers.
    Line,
    /// A filled area.
    Fill,
    /// A marker.
    Mark,
}

/// A figure that is drawn from top to bottom.
#[derive(Debug)]
pub(super) struct Sheet {
    pub(super) svg: Svg,
    pub(super) width: f64,
    /// Top of the next part, in pixels.
    pub(super) y: f64,
    title: String,
}

impl Sheet {
    pub(super) fn new(title: &str, width: f64) -> Self {
        let mut svg = Svg::default();
        let at = [MARGIN, 10.0 + Font::TITLE.size];
        let y = paragraph(&mut svg, at, title, Font::TITLE, width - 2.0 * MARGIN);
        Self { svg, width, y: y - 6.0, title: title.to_owned() }
    }

    /// Draws the names of series, if there are at least two.
    pub(super) fn legend(&mut self, names: &[&str], key: Key) {
        if names.len() < 2 {
            return;
        }
        let font = Font::LABEL;
        let (mut x, mut y) = (MARGIN, self.y + 14.0);
        for (i, name) in names.iter().enumerate() {
            let name = text::clipped(name, font.size, self.width - 2.0 * MARGIN - 30.0);
            let room = 34.0 + text::width(&name, font.size);
            if x > MARGIN && x + room > self.width - MARGIN {
                (x, y) = (MARGIN, y + 19.0);
            }
            self.key(i, key, [x, y - 4.0]);
            self.svg.text([x + 30.0, y], &name, font);
            x += room + 16.0;
        }
        self.y = y + 6.0;
    }

    fn key(&mut self, series: usize, key: Key, [x, y]: [f64; 2]) {
        let ink = Ink::Series(series);
        match key {
            Key::Line => {
                let pen = Pen { ink, width: 2.0, dash: dash(series) };
                self.svg.line([x, y], [x + 25.0, y], pen);
                self.svg.fill(&marker(series, x + 12.5, y, 3.5), ink, 1.0);
            }
            Key::Fill => filled(&mut self.svg, series, [x + 7.0, y - 6.0, 18.0, 12.0]),
            Key::Mark => self.svg.fill(&marker(series, x + 16.0, y, 4.5), ink, 1.0),
        }
    }

    /// Starts an area of this height with the vertical axis's grid, its name above. `left`
    /// comes from [`gutter`].
    pub(super) fn area(&mut self, axis: &Axis, scale: Scale, left: f64, height: f64) -> Area {
        let mut top = self.y + 22.0;
        if !axis.label.is_empty() {
            let room = self.width - 2.0 * MARGIN;
            let below =
                paragraph(&mut self.svg, [MARGIN, self.y + 16.0], &axis.label, Font::TICK, room);
            top = below + 2.0;
        }
        let area =
            Area { left, right: self.width - MARGIN - 8.0, top, bottom: top + height, y: scale };
        for (value, label) in area.y.ticks.clone() {
            let y = area.y(value);
            let strong = value == 0.0;
            let pen = Pen::new(if strong { Ink::Muted } else { Ink::Grid }, 1.0);
            self.svg.line([left, y], [area.right, y], pen);
            self.svg.text([left - 8.0, y + 4.0], &label, Font::TICK.anchored(Anchor::End));
        }
        self.y = area.bottom;
        area
    }

    /// Draws the ticks and name of a horizontal axis below the area.
    pub(super) fn below(&mut self, area: &Area, axis: &Axis, scale: &Scale) {
        let y = area.bottom;
        self.svg.line([area.left, y], [area.right, y], Pen::new(Ink::Muted, 1.0));
        let mut free = 0.0;
        for (value, label) in &scale.ticks {
            let x = area.x(scale, *value);
            self.svg.line([x, y], [x, y + 4.0], Pen::new(Ink::Muted, 1.0));
            let half = text::width(label, Font::TICK.size) / 2.0;
            if x - half >= free {
                self.svg.text([x, y + 18.0], label, Font::TICK.anchored(Anchor::Middle));
                free = x + half + 4.0;
            }
        }
        self.y = y + 22.0;
        self.name_below(area, &axis.label);
    }

    /// Draws the name of a horizontal axis.
    pub(super) fn name_below(&mut self, area: &Area, label: &str) {
        let font = Font::TICK.anchored(Anchor::Middle);
        let at = [(area.left + area.right) / 2.0, self.y + 15.0];
        let below = paragraph(&mut self.svg, at, label, font, area.right - area.left);
        self.y = below - 8.0;
    }

    /// Lists undefined values with their reasons, one line per reason.
    pub(super) fn undefined(&mut self, undefined: &[(String, String)]) {
        let mut reasons: Vec<(&str, &str, usize)> = Vec::new();
        for (what, reason) in undefined {
            match reasons.iter_mut().find(|(_, known, _)| known == reason) {
                Some((.., count)) => *count += 1,
                None => reasons.push((what, reason, 0)),
            }
        }
        let told = |(what, reason, more): &(&str, &str, usize)| match more {
            0 => format!("{what}: {reason}"),
            more => format!("{what}, and {more} more: {reason}"),
        };
        let notes: Vec<String> = reasons.iter().map(told).collect();
        if notes.is_empty() {
            return;
        }
        let mut y = self.y + 20.0;
        let room = self.width - 2.0 * MARGIN;
        for note in notes.iter().take(TOLD) {
            y = paragraph(
                &mut self.svg,
                [MARGIN, y],
                &format!("undefined: {note}"),
                Font::TICK,
                room,
            );
        }
        if notes.len() > TOLD {
            let more = format!("undefined: {} more, see the data", notes.len() - TOLD);
            y = paragraph(&mut self.svg, [MARGIN, y], &more, Font::TICK, room);
        }
        self.y = y - 12.0;
    }

    pub(super) fn finish(self) -> String {
        self.svg.finish(&self.title, self.width, (self.y + 10.0).ceil())
    }
}

/// Width in pixels that the labels of these scales need on the left.
pub(super) fn gutter<'a>(scales: impl IntoIterator<Item = &'a Scale>) -> f64 {
    let labels = scales.into_iter().flat_map(|scale| &scale.ticks);
    let widest = labels.map(|(_, label)| text::width(label, Font::TICK.size));
    MARGIN + widest.fold(20.0, f64::max) + 8.0
}

/// The area that holds the marks, with its vertical scale.
#[derive(Debug)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
    y: Scale,
}

impl Area {
    /// An area between left, right, top and bottom, without drawing anything.
    pub(super) fn bare([left, right, top, bottom]: [f64; 4], y: Scale) -> Self {
        Self { left, right, top, bottom, y }
    }

    pub(super) fn x(&self, scale: &Scale, value: f64) -> f64 {
        self.left + scale.at(value) * (self.right - self.left)
    }

    pub(super) fn y(&self, value: f64) -> f64 {
        self.bottom - self.y.at(value) * (self.bottom - self.top)
    }
}

/// Draws a rectangle in the series' colour and hatch.
pub(super) fn filled(svg: &mut Svg, series: usize, place: [f64; 4]) {
    let ink = Ink::Series(series);
    let lines = hatch(series, place);
    if lines.is_empty() {
        svg.fill(&rect(place), ink, 1.0);
        return;
    }
    svg.fill(&rect(place), ink, 0.25);
    svg.stroke(&lines, Pen::new(ink, 1.2));
    svg.stroke(&rect(place), Pen::new(ink, 1.2));
}

/// Draws a vertical interval with its ends.
pub(super) fn whisker(svg: &mut Svg, x: f64, [low, high]: [f64; 2], ink: Ink) {
    let pen = Pen::new(ink, 1.4);
    svg.line([x, low], [x, high], pen);
    for y in [low, high] {
        svg.stroke(&joined(&[[x - 3.5, y], [x + 3.5, y]]), pen);
    }
}
