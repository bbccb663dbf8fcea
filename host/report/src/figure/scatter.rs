//! Named points, such as quality against cost.

use super::{
    Axis, CsvTable, Estimate, Field,
    axis::Scale,
    frame::{Area, Key, Sheet, WIDTH, gutter, whisker},
    owned,
    palette::{Ink, marker},
    svg::{Anchor, Font, Pen, joined},
    text::{self, shown},
};

/// A named point.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// Label beside the point.
    pub label: String,
    /// Horizontal value, such as a cost.
    pub x: f64,
    /// Vertical value, such as a quality.
    pub y: Estimate,
}

/// Points in one or several groups.
#[derive(Debug, Clone, PartialEq)]
pub struct Scatter {
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// Name and points of each group.
    pub groups: Vec<(String, Vec<Mark>)>,
    /// True to draw the Pareto front, where low x and high y are best.
    pub front: bool,
}

impl Scatter {
    /// Axes without any points.
    pub fn new(x: Axis, y: Axis) -> Self {
        Self { x, y, groups: Vec::new(), front: false }
    }

    /// Adds a group of `(label, x, y)`.
    #[must_use]
    pub fn group<L: Into<String>, E: Into<Estimate>>(
        mut self,
        name: &str,
        points: impl IntoIterator<Item = (L, f64, E)>,
    ) -> Self {
        let mark = |(label, x, y): (L, f64, E)| Mark { label: label.into(), x, y: y.into() };
        self.groups.push((name.to_owned(), points.into_iter().map(mark).collect()));
        self
    }

    /// Draws the Pareto front.
    #[must_use]
    pub fn front(self) -> Self {
        Self { front: true, ..self }
    }

    fn marks(&self) -> impl Iterator<Item = &Mark> {
        self.groups.iter().flat_map(|(_, marks)| marks)
    }

    /// Points on the Pareto front, from left to right.
    pub(super) fn pareto(&self) -> Vec<(&Mark, f64)> {
        let usable = |mark: &Mark| mark.x.is_finite() && (!self.x.log || mark.x > 0.0);
        let known = self.marks().filter(|mark| usable(mark));
        let mut marks: Vec<(&Mark, f64)> =
            known.filter_map(|mark| Some((mark, mark.y.value.number()?))).collect();
        marks.sort_by(|(a, ay), (b, by)| a.x.total_cmp(&b.x).then(by.total_cmp(ay)));
        let mut best = f64::NEG_INFINITY;
        marks.retain(|(_, y)| {
            let better = *y > best;
            best = best.max(*y);
            better
        });
        marks
    }

    pub(super) fn svg(&self, title: &str) -> String {
        let mut sheet = Sheet::new(title, WIDTH);
        let names: Vec<&str> = self.groups.iter().map(|(name, _)| name.as_str()).collect();
        sheet.legend(&names, Key::Mark);
        let y = Scale::new(&self.y, self.marks().flat_map(|it| it.y.numbers()), false, 5);
        let x = Scale::new(&self.x, self.marks().map(|it| it.x), false, 7);
        let left = gutter([&y]);
        let area = sheet.area(&self.y, y, left, 340.0);
        sheet.below(&area, &self.x, &x);
        let mut taken = match self.front {
            true => self.draw_front(&mut sheet, &area, &x),
            false => Vec::new(),
        };
        let mut points = Vec::new();
        let mut undefined = Vec::new();
        for (g, (_, marks)) in self.groups.iter().enumerate() {
            for mark in marks {
                match mark.y.value.number() {
                    None => undefined.push((mark.label.clone(), mark.y.value.reason().to_owned())),
                    Some(_) if !x.holds(mark.x) => {
                        let why =
                            format!("{} is {}, which has no place here", self.x.label, mark.x);
                        undefined.push((mark.label.clone(), why));
                    }
                    Some(value) => {
                        let at = [area.x(&x, mark.x), area.y(value)];
                        points.push((at, mark.label.as_str()));
                        let tip = format!("{}: {}, {}", mark.label, shown(mark.x), mark.y.told());
                        sheet.svg.told(&tip, |svg| {
                            if let Some([low, high]) = mark.y.interval {
                                let ends = [area.y(low), area.y(high)];
                                taken.push([at[0] - 4.0, ends[1], at[0] + 4.0, ends[0]]);
                                whisker(svg, at[0], ends, Ink::Series(g));
                            }
                            svg.fill(&marker(g, at[0], at[1], 4.5), Ink::Series(g), 1.0);
                        });
                    }
                }
            }
        }
        labels(&mut sheet, &area, &points, taken);
        sheet.undefined(&undefined);
        sheet.finish()
    }

    /// Draws the front as a staircase: the best quality for each cost or less. Returns the
    /// boxes that it covers.
    fn draw_front(&self, sheet: &mut Sheet, area: &Area, x: &Scale) -> Vec<[f64; 4]> {
        let mut stairs: Vec<[f64; 2]> = Vec::new();
        for (mark, y) in self.pareto() {
            let at = [area.x(x, mark.x), area.y(y)];
            if let Some([_, before]) = stairs.last().copied() {
                stairs.push([at[0], before]);
            }
            stairs.push(at);
        }
        if let Some([_, last]) = stairs.last().copied() {
            stairs.push([area.right, last]);
            let pen = Pen { ink: Ink::Muted, width: 1.5, dash: "5 4" };
            let tip = "Pareto front: no point costs less and is better";
            sheet.svg.told(tip, |svg| svg.stroke(&joined(&stairs), pen));
        }
        let parts = stairs.windows(2).map(|ends| {
            let ([a, b], [c, d]) = (ends[0], ends[1]);
            [a.min(c) - 1.0, b.min(d) - 1.0, a.max(c) + 1.0, b.max(d) + 1.0]
        });
        parts.collect()
    }

    pub(super) fn table(&self) -> CsvTable<'_> {
        let front = self.pareto();
        let mut header = owned(&["group", "name"]);
        header.extend([self.x.label.clone(), self.y.label.clone()]);
        header.extend(owned(&["low", "high", "undefined", "front"]));
        let mut lines = Vec::new();
        for (group, marks) in &self.groups {
            for mark in marks {
                let names = [group.as_str().into(), mark.label.as_str().into(), mark.x.into()];
                let on_front = front.iter().any(|(it, _)| std::ptr::eq(*it, mark));
                let on_front = Field::Count(u64::from(on_front));
                lines.push(names.into_iter().chain(mark.y.fields()).chain([on_front]).collect());
            }
        }
        (header, lines)
    }
}

/// Writes each label where it hides neither points nor other labels. A label without
/// such a place appears only in the tooltip.
fn labels(sheet: &mut Sheet, area: &Area, points: &[([f64; 2], &str)], mut taken: Vec<[f64; 4]>) {
    let size = 11.0;
    let boxes = points.iter().map(|([x, y], _)| [x - 5.0, y - 5.0, x + 5.0, y + 5.0]);
    taken.extend(boxes);
    for ([x, y], label) in points {
        let label = text::clipped(label, size, 150.0);
        let width = text::width(&label, size);
        let places = [
            ([x + 8.0, y + 4.0], Anchor::Start, [x + 8.0, x + 8.0 + width]),
            ([x - 8.0, y + 4.0], Anchor::End, [x - 8.0 - width, x - 8.0]),
            ([*x, y - 9.0], Anchor::Middle, [x - width / 2.0, x + width / 2.0]),
            ([*x, y + 17.0], Anchor::Middle, [x - width / 2.0, x + width / 2.0]),
            ([x + 6.0, y - 8.0], Anchor::Start, [x + 6.0, x + 6.0 + width]),
            ([x + 6.0, y + 16.0], Anchor::Start, [x + 6.0, x + 6.0 + width]),
            ([x - 6.0, y - 8.0], Anchor::End, [x - 6.0 - width, x - 6.0]),
            ([x - 6.0, y + 16.0], Anchor::End, [x - 6.0 - width, x - 6.0]),
        ];
        let free = places.into_iter().find(|([_, base], _, [from, to])| {
            let room = [*from, base - 9.0, *to, base + 3.0];
            let inside = *from > area.left && *to < area.right + 10.0;
            inside
                && room[1] > area.top - 4.0
                && room[3] < area.bottom
                && !taken.iter().any(|it| overlap(it, &room))
        });
        if let Some((at, anchor, [from, to])) = free {
            taken.push([from, at[1] - 9.0, to, at[1] + 3.0]);
            sheet.svg.text(at, &label, Font { size, ..Font::LABEL }.anchored(anchor));
        }
    }
}

fn overlap(a: &[f64; 4], b: &[f64; 4]) -> bool {
    a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
}
