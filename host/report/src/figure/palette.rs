//! Looks of marks: colours that colour-blind people can tell apart (Okabe and Ito), and
//! dashes, shapes and hatches for print in grey.

/// Role of a colour; its class lets a page recolour it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Ink {
    /// Titles and numbers.
    Text,
    /// Ticks, notes and edges of drawings.
    Muted,
    /// Grid lines.
    Grid,
    /// The background.
    Paper,
    /// Boxes of drawings.
    Box,
    /// The nth series.
    Series(usize),
    /// A step of a heat map's colours, from -5 to 5; 0 is neutral.
    Heat(i32),
    /// Numbers on that step.
    OnHeat(i32),
}

/// Yellow, the palette's eighth colour, is left out: it is too faint on white.
const SERIES: [&str; 7] =
    ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#3d3d3d"];

const HEAT: [&str; 11] = [
    "#b3560b", "#e08d3c", "#f4b678", "#fbd9b5", "#fdf0e2", "#f4f4f2", "#e3eef7", "#c0d9ed",
    "#8fbbdd", "#4f92c6", "#1f66a5",
];

impl Ink {
    /// Colour in the light theme.
    pub(super) fn colour(self) -> &'static str {
        match self {
            Self::Text => "#1b1b1a",
            Self::Muted => "#5c5c59",
            Self::Grid => "#dededa",
            Self::Paper => "#ffffff",
            Self::Box => "#f1f1ee",
            Self::Series(n) => SERIES[n % SERIES.len()],
            Self::Heat(step) => HEAT[(step.clamp(-5, 5) + 5).unsigned_abs() as usize],
            Self::OnHeat(step) if step.abs() >= 5 => "#ffffff",
            Self::OnHeat(_) => "#1b1b1a",
        }
    }

    pub(super) fn class(self) -> String {
        match self {
            Self::Text => "text".to_owned(),
            Self::Muted => "muted".to_owned(),
            Self::Grid => "grid".to_owned(),
            Self::Paper => "paper".to_owned(),
            Self::Box => "box".to_owned(),
            Self::Series(n) => format!("series{}", n % SERIES.len()),
            Self::Heat(step) => format!("heat{}", step.clamp(-5, 5) + 5),
            Self::OnHeat(step) => format!("onheat{}", step.clamp(-5, 5).abs()),
        }
    }
}

/// Dashes of the nth series. There are 5 for 7 colours, which have no common divisor,
/// so the first 35 series differ.
pub(super) fn dash(series: usize) -> &'static str {
    ["", "7 3", "2 3", "9 3 2 3", "4 2"][series % 5]
}

/// Outline of the nth series' marker with this radius, as path data.
pub(super) fn marker(series: usize, x: f64, y: f64, r: f64) -> String {
    let polygon = |corners: &[[f64; 2]]| {
        let points = corners.iter().map(|[dx, dy]| format!("{:.1} {:.1}", x + dx * r, y + dy * r));
        format!("M{}Z", points.collect::<Vec<_>>().join("L"))
    };
    match series % 5 {
        0 => format!("M{:.1} {y:.1}a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0 -{d} 0Z", x - r, d = 2.0 * r),
        1 => polygon(&[[-0.9, -0.9], [0.9, -0.9], [0.9, 0.9], [-0.9, 0.9]]),
        2 => polygon(&[[0.0, -1.2], [1.1, 0.8], [-1.1, 0.8]]),
        3 => polygon(&[[0.0, -1.3], [1.3, 0.0], [0.0, 1.3], [-1.3, 0.0]]),
        _ => polygon(&[[0.0, 1.2], [1.1, -0.8], [-1.1, -0.8]]),
    }
}

/// Lines that fill a rectangle for the nth series, as path data; empty for the first
/// series, which is solid.
pub(super) fn hatch(series: usize, [x, y, width, height]: [f64; 4]) -> String {
    let (rising, step) = match series % 5 {
        0 => return String::new(),
        1 => (true, 6.0),
        2 => (false, 6.0),
        3 => (true, 3.0),
        _ => (false, 3.0),
    };
    let mut path = String::new();
    let mut from = step;
    // Each line goes from the left or upper side to the lower or right one.
    while from < width + height {
        let [a, b] = [(from - height).max(0.0), from.min(width)];
        let at = |along: f64| match rising {
            true => [x + along, y + from - along],
            false => [x + along, y + height - (from - along)],
        };
        let ([x1, y1], [x2, y2]) = (at(a), at(b));
        path += &format!("M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}");
        from += step;
    }
    path
}
