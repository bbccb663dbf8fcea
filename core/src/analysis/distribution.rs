//! Summaries of many values, without keeping them.
//!
//! Invariant: every value is counted exactly once, as finite or as failed.

use crate::criteria::bootstrap::quantile;
use serde::{Deserialize, Serialize};

/// The bins of a histogram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bins {
    /// This many bins of equal width from the smallest to the largest value.
    Fit(usize),
    /// This many bins of equal width over a fixed range, so that histograms can be compared.
    Range {
        /// Lower edge of the first bin.
        low: f64,
        /// Upper edge of the last bin, which includes it.
        high: f64,
        /// Number of bins.
        bins: usize,
    },
}

/// Counts of values in bins of equal width.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Histogram {
    /// Lower edge of the first bin, in the unit of the values.
    pub low: f64,
    /// Upper edge of the last bin, in the unit of the values.
    pub high: f64,
    /// Number of values per bin. A bin includes its lower edge; the last one includes both edges.
    pub counts: Vec<usize>,
    /// Number of values below `low`.
    pub below: usize,
    /// Number of values above `high`.
    pub above: usize,
}

/// Count, moments, quantiles and histogram of values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// Number of finite values.
    pub count: usize,
    /// Number of values that are NaN or infinite; no other field includes them.
    pub failures: usize,
    /// Number of distinct finite values.
    pub distinct: usize,
    /// Mean in the unit of the values; `None` without finite values.
    pub mean: Option<f64>,
    /// Standard deviation in the unit of the values, divided by the count and not by count - 1;
    /// `None` without finite values.
    pub std: Option<f64>,
    /// Values at [`Distribution::QUANTILES`], interpolated between order statistics; `None` without
    /// finite values.
    pub quantiles: Option<[f64; 7]>,
    /// The histogram; `None` without bins, or without finite values for [`Bins::Fit`].
    pub histogram: Option<Histogram>,
}

impl Distribution {
    /// Positions of the quantiles: the smallest value, 5 %, the quartiles, 95 % and the largest.
    pub const QUANTILES: [f64; 7] = [0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0];

    /// Summarises `values`.
    pub fn of(values: &[f64], bins: Bins) -> Self {
        let mut finite: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
        finite.sort_by(f64::total_cmp);
        let n = finite.len() as f64;
        let some = !finite.is_empty();
        let mean = some.then(|| finite.iter().sum::<f64>() / n);
        let variance = mean.map(|mean| finite.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n);
        Self {
            count: finite.len(),
            failures: values.len() - finite.len(),
            distinct: finite.chunk_by(|a, b| a == b).count(),
            mean,
            std: variance.map(f64::sqrt),
            quantiles: some.then(|| Self::QUANTILES.map(|q| quantile(&finite, q))),
            histogram: Histogram::of(&finite, bins),
        }
    }
}

impl Histogram {
    /// The histogram of finite values in ascending order.
    fn of(sorted: &[f64], bins: Bins) -> Option<Self> {
        let (low, high, bins) = match bins {
            Bins::Fit(bins) => (*sorted.first()?, *sorted.last()?, bins),
            Bins::Range { low, high, bins } => (low, high, bins),
        };
        if bins == 0 || high < low {
            return None;
        }
        let mut histogram = Self { low, high, counts: vec![0; bins], below: 0, above: 0 };
        for &value in sorted {
            if value < low {
                histogram.below += 1;
            } else if value > high {
                histogram.above += 1;
            } else {
                // All values are equal: the width is 0, and all go into the first bin.
                let at = if high > low { (value - low) / (high - low) * bins as f64 } else { 0.0 };
                histogram.counts[(at as usize).min(bins - 1)] += 1;
            }
        }
        Some(histogram)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_is_counted_once() {
        let values = [0.0, 0.25, 0.5, 1.0, 1.5, -1.0, f64::NAN, f64::INFINITY];
        let d = Distribution::of(&values, Bins::Range { low: 0.0, high: 1.0, bins: 2 });
        assert_eq!((d.count, d.failures, d.distinct), (6, 2, 6));
        let h = d.histogram.unwrap();
        assert_eq!((h.counts, h.below, h.above), (vec![2, 2], 1, 1));
    }

    #[test]
    fn moments_and_quantiles_are_those_done_by_hand() {
        let d = Distribution::of(&[4.0, 1.0, 3.0, 2.0], Bins::Fit(3));
        assert_eq!((d.mean, d.std), (Some(2.5), Some(1.25f64.sqrt())));
        let quantiles = d.quantiles.unwrap();
        assert_eq!((quantiles[0], quantiles[3], quantiles[6]), (1.0, 2.5, 4.0));
        assert_eq!(d.histogram.unwrap().counts, [1, 1, 2]);
    }

    #[test]
    fn of_nothing_there_is_no_mean() {
        let d = Distribution::of(&[f64::NAN], Bins::Fit(3));
        assert_eq!((d.count, d.failures, d.mean, d.histogram), (0, 1, None, None));
        let same = Distribution::of(&[2.0, 2.0], Bins::Fit(3));
        assert_eq!((same.std, same.histogram.unwrap().counts), (Some(0.0), vec![2, 0, 0]));
    }
}
