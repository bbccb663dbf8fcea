//! Drawings of architectures: boxes with edges.

use super::{
    CsvTable,
    frame::{MARGIN, Sheet},
    owned,
    palette::Ink,
    svg::{Anchor, Font, Pen, Svg, joined},
    text,
};

const SIZE: f64 = 11.0;
/// Height of a box, in pixels.
pub(crate) const HEIGHT: f64 = 20.0;
const LONGEST: f64 = 130.0;

/// A labelled box. A node without a label is a bend, which is not drawn: edges only
/// pass through it.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Horizontal centre, in pixels.
    pub x: f64,
    /// Vertical centre, in pixels.
    pub y: f64,
    /// Text in the box; empty for a bend.
    pub label: String,
}

impl Node {
    /// Width of the box, in pixels.
    pub fn width(&self) -> f64 {
        match self.label.is_empty() {
            true => 0.0,
            false => (text::width(&self.label, SIZE).min(LONGEST) + 14.0).round(),
        }
    }

    fn half_height(&self) -> f64 {
        if self.label.is_empty() { 0.0 } else { HEIGHT / 2.0 }
    }

    /// The label, cut off to fit the box.
    pub(crate) fn text(&self) -> String {
        text::clipped(&self.label, SIZE, LONGEST)
    }
}

/// An architecture, drawn from top to bottom.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Drawing {
    /// Boxes and bends.
    pub nodes: Vec<Node>,
    /// Pairs of positions in `nodes`: start and end of each edge.
    pub edges: Vec<[usize; 2]>,
}

impl Drawing {
    /// Width and height in pixels, from the origin to the end of the last box.
    pub fn size(&self) -> [f64; 2] {
        self.nodes.iter().fold([0.0_f64, 0.0_f64], |[width, height], node| {
            [width.max(node.x + node.width() / 2.0), height.max(node.y + node.half_height())]
        })
    }

    /// Horizontal change per vertical pixel: edges leave and enter boxes vertically, and
    /// pass a bend in the direction from the node before to the node after.
    fn slope(&self, at: usize) -> f64 {
        let before = self.edges.iter().find(|[_, to]| *to == at).map(|[from, _]| *from);
        let after = self.edges.iter().find(|[from, _]| *from == at).map(|[_, to]| *to);
        let node = |at: Option<usize>| at.and_then(|at| self.nodes.get(at));
        match (node(before), node(after)) {
            (Some(before), Some(after)) if self.nodes[at].label.is_empty() => {
                (after.x - before.x) / (after.y - before.y)
            }
            _ => 0.0,
        }
    }

    fn draw(&self, svg: &mut Svg, [left, top]: [f64; 2]) {
        let pen = Pen::new(Ink::Muted, 1.3);
        // All edges share one path, as a page has many of them.
        let (mut curves, mut heads) = (String::new(), String::new());
        for [a, b] in self.edges.iter().copied() {
            let (Some(from), Some(to)) = (self.nodes.get(a), self.nodes.get(b)) else {
                continue;
            };
            let [x1, y1] = [left + from.x, top + from.y + from.half_height()];
            let [x2, y2] = [left + to.x, top + to.y - to.half_height()];
            let pull = 0.45 * (y2 - y1);
            let ends = [x1 + self.slope(a) * pull, x2 - self.slope(b) * pull];
            let end = if to.label.is_empty() { y2 } else { y2 - 3.0 };
            curves += &format!(
                "M{x1:.1} {y1:.1}C{:.1} {:.1} {:.1} {:.1} {x2:.1} {end:.1}",
                ends[0],
                y1 + pull,
                ends[1],
                y2 - pull
            );
            if !to.label.is_empty() {
                let head = [[x2 - 3.0, y2 - 5.5], [x2, y2 - 0.5], [x2 + 3.0, y2 - 5.5]];
                heads += &(joined(&head) + "Z");
            }
        }
        if !curves.is_empty() {
            svg.stroke(&curves, pen);
        }
        if !heads.is_empty() {
            svg.fill(&heads, Ink::Muted, 1.0);
        }
        for node in self.nodes.iter().filter(|node| !node.label.is_empty()) {
            let (width, [x, y]) = (node.width(), [left + node.x, top + node.y]);
            let place = [x - width / 2.0, y - HEIGHT / 2.0, width, HEIGHT];
            svg.told(&node.label, |svg| {
                svg.shape(&rounded(place), Ink::Box, pen);
                let font = Font { size: SIZE, ..Font::LABEL }.anchored(Anchor::Middle);
                svg.text([x, y + 4.0], &node.text(), font);
            });
        }
    }
}

fn rounded([x, y, width, height]: [f64; 4]) -> String {
    let (w, h) = (width - 8.0, height - 8.0);
    format!(
        "M{:.1} {y:.1}h{w:.1}q4 0 4 4v{h:.1}q0 4 -4 4h-{w:.1}q-4 0 -4 -4v-{h:.1}q0 -4 4 -4Z",
        x + 4.0
    )
}

/// Several architectures side by side, each with a heading and a caption.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Drawings {
    /// Heading, caption and drawing of each architecture.
    pub drawings: Vec<(String, String, Drawing)>,
}

impl Drawings {
    /// Adds an architecture.
    #[must_use]
    pub fn drawing(mut self, heading: &str, caption: &str, drawing: Drawing) -> Self {
        self.drawings.push((heading.to_owned(), caption.to_owned(), drawing));
        self
    }

    pub(super) fn svg(&self, title: &str) -> String {
        let widest = self.drawings.iter().map(|(.., it)| it.size()[0]).fold(150.0, f64::max);
        let column = widest.ceil() + 36.0;
        let columns = ((760.0 / column).floor() as usize).clamp(1, self.drawings.len().max(1));
        let width = (column * columns as f64 + 2.0 * MARGIN).max(360.0);
        let mut sheet = Sheet::new(title, width);
        sheet.y += 10.0;
        for row in self.drawings.chunks(columns) {
            let (mut words, mut tallest) = (sheet.y, 0.0_f64);
            for (i, (heading, caption, it)) in row.iter().enumerate() {
                let x = MARGIN + column * i as f64;
                let mut y = sheet.y + 14.0;
                let bold = Font { bold: true, ..Font::LABEL };
                for (text, font) in [(heading, bold), (caption, Font::TICK)] {
                    for line in text.lines() {
                        y = super::svg::paragraph(
                            &mut sheet.svg,
                            [x, y],
                            line,
                            font,
                            column - 24.0,
                        );
                    }
                }
                words = words.max(y);
                tallest = tallest.max(it.size()[1]);
            }
            for (i, (.., it)) in row.iter().enumerate() {
                it.draw(&mut sheet.svg, [MARGIN + column * i as f64, words]);
            }
            sheet.y = words + tallest + 14.0;
        }
        sheet.finish()
    }

    pub(super) fn table(&self) -> CsvTable<'_> {
        let mut lines = Vec::new();
        for (heading, caption, it) in &self.drawings {
            let named = |at: usize| it.nodes.get(at).map_or("", |node| &node.label).into();
            for &[from, to] in &it.edges {
                let names = [heading.as_str().into(), caption.as_str().into()];
                let ends = [from.into(), named(from), to.into(), named(to)];
                lines.push(names.into_iter().chain(ends).collect());
            }
        }
        (owned(&["drawing", "caption", "from", "from_label", "to", "to_label"]), lines)
    }
}
