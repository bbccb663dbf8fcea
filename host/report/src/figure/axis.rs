//! Axes, and the scales that map numbers to positions between an axis's bounds.

use super::text::{places, scientific, shown};

/// Description of an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// Name of the quantity, with its unit in brackets.
    pub label: String,
    /// True for a logarithmic axis.
    pub log: bool,
    /// Bounds of the axis; `None` means those of the data, rounded outwards.
    pub range: Option<[f64; 2]>,
}

impl Axis {
    /// A linear axis with the data's bounds.
    pub fn new(label: &str) -> Self {
        Self { label: label.to_owned(), log: false, range: None }
    }

    /// Makes the axis logarithmic.
    #[must_use]
    pub fn log(self) -> Self {
        Self { log: true, ..self }
    }

    /// Sets the bounds.
    #[must_use]
    pub fn range(self, from: f64, to: f64) -> Self {
        Self { range: Some([from, to]), ..self }
    }
}

/// Maps numbers to fractions of an axis.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scale {
    bounds: [f64; 2],
    log: bool,
    /// Position and label of each grid line.
    pub(super) ticks: Vec<(f64, String)>,
}

impl Scale {
    /// Bounds are the axis's own, else those of `values` (and zero, if `zero` is true),
    /// moved outwards to the next of about `count` ticks.
    pub(super) fn new(
        axis: &Axis,
        values: impl Iterator<Item = f64>,
        zero: bool,
        count: usize,
    ) -> Self {
        let usable = |value: &f64| value.is_finite() && (!axis.log || *value > 0.0);
        let values = axis.range.into_iter().flatten().chain(values.filter(usable));
        let values: Vec<f64> = match axis.range {
            Some(range) => range.to_vec(),
            None => values.chain((zero && !axis.log).then_some(0.0)).collect(),
        };
        let low =
            values.iter().copied().reduce(f64::min).unwrap_or(if axis.log { 1.0 } else { 0.0 });
        let high = values.iter().copied().reduce(f64::max).unwrap_or(1.0);
        match axis.log {
            true => Self::logarithmic(low, high),
            false => Self::linear(low, high, axis.range.is_some(), count),
        }
    }

    fn linear(mut low: f64, mut high: f64, fixed: bool, count: usize) -> Self {
        if high - low <= 1e-12 * high.abs().max(low.abs()) {
            let half = if low == 0.0 { 0.5 } else { low.abs() / 10.0 };
            (low, high) = (low - half, high + half);
        }
        // Bounds that start near zero, compared with their end, start at zero.
        if !fixed && low > 0.0 && low < 0.4 * high {
            low = 0.0;
        }
        let raw = (high - low) / count.max(1) as f64;
        let power = 10_f64.powf(raw.log10().floor());
        let nice = [1.0, 2.0, 2.5, 5.0, 10.0];
        let factor = nice.into_iter().find(|it| it * power >= raw * 0.999).unwrap_or(10.0);
        let step = factor * power;
        if !fixed {
            low = (low / step + 1e-9).floor() * step;
            high = (high / step - 1e-9).ceil() * step;
        }
        let quarter = factor == 2.5;
        let digits = (-power.log10().round() + f64::from(u8::from(quarter))).clamp(0.0, 12.0);
        let large = low.abs().max(high.abs()) >= 1e6;
        let (first, last) = ((low / step - 1e-6).ceil(), (high / step + 1e-6).floor());
        let ticks = (0..=(last - first).clamp(0.0, 100.0) as usize).map(|i| {
            let value = (first + i as f64) * step;
            let text = match large && value != 0.0 {
                true => scientific(value),
                false => places(value, digits as usize),
            };
            (value, text)
        });
        Self { bounds: [low, high], log: false, ticks: ticks.collect() }
    }

    fn logarithmic(low: f64, high: f64) -> Self {
        let steps = |factors: &[f64], low: f64, high: f64| -> Vec<f64> {
            let decades = low.log10().floor() as i32..=high.log10().ceil() as i32;
            decades.flat_map(|d| factors.iter().map(move |f| f * 10_f64.powi(d))).collect()
        };
        let fine = [1.0, 2.0, 5.0];
        let all = steps(&fine, low, high);
        let (under, over) = (low * (1.0 + 1e-9), high * (1.0 - 1e-9));
        let from = all.iter().copied().rfind(|it| *it <= under).unwrap_or(low);
        let to = all.iter().copied().find(|it| *it >= over && *it > from).unwrap_or(high);
        let decades = (to / from).log10();
        let factors: &[f64] = match decades {
            d if d <= 2.2 => &fine,
            _ => &[1.0],
        };
        let every = (decades / 7.0).ceil().max(1.0) as i32;
        let shows = |it: &f64| {
            *it >= from * 0.999
                && *it <= to * 1.001
                && (factors.len() > 1 || (it.log10().round() as i32).rem_euclid(every) == 0)
        };
        let label = |it: f64| match (1e-3..1e6).contains(&(it * 1.001)) {
            true if it >= 1.0 => places(it, 0),
            true => places(it, (-(it * 1.001).log10().floor()) as usize),
            false => shown(it),
        };
        let ticks = steps(factors, from, to).into_iter().filter(shows);
        Self { bounds: [from, to], log: true, ticks: ticks.map(|it| (it, label(it))).collect() }
    }

    /// Fraction of the axis, from 0 to 1; values outside the bounds are clamped.
    pub(super) fn at(&self, value: f64) -> f64 {
        let [low, high] = self.bounds;
        let fraction = match self.log {
            true => (value / low).ln() / (high / low).ln(),
            false => (value - low) / (high - low),
        };
        fraction.clamp(0.0, 1.0)
    }

    /// True if the axis can show the value.
    pub(super) fn holds(&self, value: f64) -> bool {
        value.is_finite() && (!self.log || value > 0.0)
    }
}
