//! Writes SVG, element by element.

use super::{palette::Ink, text};
use std::fmt::Write;

/// Fonts of common systems; all have digits of equal width.
const FONTS: &str = "system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif";

/// The end of a text that its position refers to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// Style of a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Font {
    pub(super) size: f64,
    pub(super) ink: Ink,
    pub(super) anchor: Anchor,
    pub(super) bold: bool,
}

impl Font {
    pub(super) const TITLE: Self =
        Self { size: 15.0, ink: Ink::Text, anchor: Anchor::Start, bold: true };
    pub(super) const LABEL: Self =
        Self { size: 12.0, ink: Ink::Text, anchor: Anchor::Start, bold: false };
    pub(super) const TICK: Self = Self { ink: Ink::Muted, ..Self::LABEL };

    pub(super) fn anchored(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }
}

/// Style of a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pen {
    pub(super) ink: Ink,
    pub(super) width: f64,
    pub(super) dash: &'static str,
}

impl Pen {
    pub(super) fn new(ink: Ink, width: f64) -> Self {
        Self { ink, width, dash: "" }
    }

    fn attributes(self) -> String {
        let Self { ink, width, dash } = self;
        let dash = match dash {
            "" => String::new(),
            dash => format!(" stroke-dasharray=\"{dash}\""),
        };
        format!("stroke=\"{}\" stroke-width=\"{width}\"{dash}", ink.colour())
    }
}

/// The elements drawn so far.
#[derive(Debug, Default)]
pub(super) struct Svg {
    body: String,
}

impl Svg {
    pub(super) fn text(&mut self, [x, y]: [f64; 2], text: &str, font: Font) {
        let anchor = match font.anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let weight = if font.bold { " font-weight=\"600\"" } else { "" };
        let (class, colour) = (font.ink.class(), font.ink.colour());
        self.push(&format!(
            "<text class=\"f-{class}\" x=\"{x:.1}\" y=\"{y:.1}\" fill=\"{colour}\" font-size=\"{}\"{anchor}{weight}>{}</text>",
            font.size,
            escaped(text)
        ));
    }

    /// Draws text that rises to the right.
    pub(super) fn slanted(&mut self, [x, y]: [f64; 2], text: &str, font: Font) {
        self.push(&format!("<g transform=\"translate({x:.1} {y:.1}) rotate(-30)\">"));
        self.text([0.0, 0.0], text, font);
        self.push("</g>");
    }

    pub(super) fn line(&mut self, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2], pen: Pen) {
        self.push(&format!(
            "<line class=\"k-{}\" x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" {}/>",
            pen.ink.class(),
            pen.attributes()
        ));
    }

    /// Draws path data as a line.
    pub(super) fn stroke(&mut self, path: &str, pen: Pen) {
        if !path.is_empty() {
            let (class, looks) = (pen.ink.class(), pen.attributes());
            self.push(&format!("<path class=\"k-{class}\" d=\"{path}\" fill=\"none\" {looks}/>"));
        }
    }

    /// Fills path data.
    pub(super) fn fill(&mut self, path: &str, ink: Ink, opacity: f64) {
        let (class, colour) = (ink.class(), ink.colour());
        let opacity = match opacity < 1.0 {
            true => format!(" fill-opacity=\"{opacity}\""),
            false => String::new(),
        };
        self.push(&format!("<path class=\"f-{class}\" d=\"{path}\" fill=\"{colour}\"{opacity}/>"));
    }

    /// Fills and outlines path data.
    pub(super) fn shape(&mut self, path: &str, ink: Ink, pen: Pen) {
        self.push(&format!(
            "<path class=\"f-{} k-{}\" d=\"{path}\" fill=\"{}\" {}/>",
            ink.class(),
            pen.ink.class(),
            ink.colour(),
            pen.attributes()
        ));
    }

    /// Adds a tooltip to whatever `draw` draws.
    pub(super) fn told(&mut self, tip: &str, draw: impl FnOnce(&mut Self)) {
        self.push(&format!("<g><title>{}</title>", escaped(tip)));
        draw(self);
        self.push("</g>");
    }

    /// The whole SVG file.
    pub(super) fn finish(self, title: &str, width: f64, height: f64) -> String {
        let (title, paper) = (escaped(title), Ink::Paper.colour());
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-label=\"{title}\" \
             width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\" \
             font-family=\"{FONTS}\">\n<title>{title}</title>\n\
             <rect class=\"f-paper\" width=\"100%\" height=\"100%\" fill=\"{paper}\"/>\n{}</svg>\n",
            self.body
        )
    }

    fn push(&mut self, element: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.body, "{element}");
    }
}

/// A rectangle as path data.
pub(super) fn rect([x, y, width, height]: [f64; 4]) -> String {
    format!("M{x:.1} {y:.1}h{width:.1}v{height:.1}h-{width:.1}Z")
}

/// Points joined by straight lines, as path data.
pub(super) fn joined(points: &[[f64; 2]]) -> String {
    let points: Vec<String> = points.iter().map(|[x, y]| format!("{x:.1} {y:.1}")).collect();
    match points.is_empty() {
        true => String::new(),
        false => format!("M{}", points.join("L")),
    }
}

/// Text for SVG, without the characters that XML forbids.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe += "&amp;",
            '<' => safe += "&lt;",
            '>' => safe += "&gt;",
            '"' => safe += "&quot;",
            '\'' => safe += "&#39;",
            '\n' | '\t' => safe.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => safe.push(c),
        }
    }
    safe
}

/// Draws a text in several lines; returns the vertical position for the next one.
pub(super) fn paragraph(
    svg: &mut Svg,
    [x, mut y]: [f64; 2],
    text: &str,
    font: Font,
    room: f64,
) -> f64 {
    for line in text::wrapped(text, font.size, room) {
        svg.text([x, y], &line, font);
        y += font.size * 1.35;
    }
    y
}
