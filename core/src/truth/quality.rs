//! How well a truth distinguishes architectures: its ties, and what it averages.

use super::mean_there;

/// Ties among truths.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ties {
    /// Number of distinct values.
    pub distinct: usize,
    /// Largest number of rows with the same value.
    pub largest: usize,
    /// Share of the pairs of rows that have the same value, from 0 to 1.
    pub pairs: f64,
}

impl Ties {
    /// Counts the ties among finite values.
    pub fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let groups = || sorted.chunk_by(|a, b| a == b).map(<[f64]>::len);
        let pairs = |n: usize| n as f64 * n.saturating_sub(1) as f64 / 2.0;
        // The sum of no numbers is -0.
        let tied = 0.0 + groups().map(pairs).sum::<f64>();
        Self {
            distinct: groups().count(),
            largest: groups().max().unwrap_or(0),
            pairs: tied / pairs(values.len()).max(1.0),
        }
    }
}

/// How a truth relates to the single trainings beside it.
#[derive(Debug, Clone, PartialEq)]
pub enum Averaged {
    /// The mean of this many trainings of each architecture; 1 for single trainings.
    Of(usize),
    /// The mean of the trainings that there are, whose number varies by architecture.
    Between {
        /// Smallest number of trainings of an architecture.
        few: usize,
        /// Largest number of trainings of an architecture.
        most: usize,
    },
    /// Something else, such as the accuracy on another data set.
    Other {
        /// Number of architectures with trainings.
        known: usize,
        /// Number of these whose truth is the mean of their trainings.
        equal: usize,
    },
}

/// Relative rounding error of single-precision values and of six digits.
const ROUNDING: f64 = 1e-6;

/// How `truth` relates to the trainings in `runs` (by architecture and seed index, NaN where there
/// is none): the mean, or one training, up to half a unit of the last digits that both are written
/// with. `None` if there are no trainings.
pub fn averaged(truth: &[f64], runs: &[Vec<f64>]) -> Option<Averaged> {
    let there = |runs: &Vec<f64>| runs.iter().filter(|run| !run.is_nan()).count();
    let known: Vec<(f64, &Vec<f64>)> = truth
        .iter()
        .copied()
        .zip(runs)
        .filter(|(truth, runs)| truth.is_finite() && there(runs) > 0)
        .collect();
    let counts = || known.iter().map(|(_, runs)| there(runs));
    let (few, most) = (counts().min()?, counts().max()?);
    let half = |digits: Option<usize>| 0.51 * 0.1f64.powi(digits.unwrap_or(0) as i32);
    let runs_of = known.iter().flat_map(|(_, runs)| runs.iter());
    let off_by_writing = half(known.iter().map(|(truth, _)| decimals(*truth)).max())
        + half(runs_of.map(|run| decimals(*run)).max());
    let close = |truth: f64, value: f64| {
        let off = (truth - value).abs();
        off <= off_by_writing + ROUNDING * truth.abs()
    };
    let of_mean: Vec<f64> = known.iter().map(|(_, runs)| mean_there(runs)).collect();
    let off = |values: &[f64]| -> f64 {
        known.iter().zip(values).map(|((truth, _), value)| (truth - value).powi(2)).sum()
    };
    let fits = |values: &[f64]| {
        known.iter().zip(values).filter(|((truth, _), value)| close(*truth, **value)).count()
    };
    let equal = fits(&of_mean);
    let seeds = known.iter().map(|(_, runs)| runs.len()).max().unwrap_or(0);
    let single = (0..seeds)
        .map(|seed| known.iter().map(move |(_, runs)| runs.get(seed).copied().unwrap_or(f64::NAN)))
        .map(Iterator::collect::<Vec<f64>>)
        .filter(|values| fits(values) == known.len())
        .map(|values| off(&values))
        .min_by(f64::total_cmp);
    let mean = (equal == known.len()).then(|| off(&of_mean));
    Some(match (mean, single) {
        (None, None) => Averaged::Other { known: known.len(), equal },
        (Some(mean), Some(single)) if single < mean => Averaged::Of(1),
        (None, Some(_)) => Averaged::Of(1),
        (Some(_), _) if few == most => Averaged::Of(most),
        (Some(_), _) => Averaged::Between { few, most },
    })
}

/// Number of decimals that are needed to write the value exactly.
fn decimals(value: f64) -> usize {
    value.to_string().split_once('.').map_or(0, |(_, digits)| digits.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_are_counted_by_value() {
        // Of ten pairs, three are in the tie of three rows.
        let ties = Ties::of(&[1.0, 2.0, 2.0, 2.0, 3.0]);
        assert_eq!(ties, Ties { distinct: 3, largest: 3, pairs: 0.3 });
        assert_eq!(Ties::of(&[]), Ties { distinct: 0, largest: 0, pairs: 0.0 });
        assert!(Ties::of(&[]).pairs.is_sign_positive());
        assert_eq!(Ties::of(&[0.0, -0.0]).largest, 2);
    }

    #[test]
    fn a_truth_is_the_mean_of_its_trainings_or_one_of_them_or_neither() {
        let none = f64::NAN;
        let runs = [vec![90.0, 91.0, 93.0], vec![80.0, 81.0, 81.0], vec![70.0, 70.0, 71.0]];
        let of = |truth: [f64; 3]| averaged(&truth, &runs);
        assert_eq!(of([91.333, 80.667, 70.333]), Some(Averaged::Of(3)));
        assert_eq!(of([91.33333, 80.66666, 70.33333]), Some(Averaged::Of(3)));
        assert_eq!(of([91.0, 81.0, 70.0]), Some(Averaged::Of(1)));
        assert_eq!(of([91.333, 80.667, 60.3]), Some(Averaged::Other { known: 3, equal: 2 }));
        // The second architecture was trained twice, the third not at all.
        let runs = [vec![90.0, 91.0, 93.0], vec![80.0, none, 81.0], vec![]];
        let mixed = averaged(&[91.3333, 80.5, 1.0], &runs);
        assert_eq!(mixed, Some(Averaged::Between { few: 2, most: 3 }));
        assert_eq!(averaged(&[1.0], &[vec![none]]), None);
        // Two seeds that happen to agree do not make the mean a single training.
        let same = [vec![1.0, 1.0], vec![2.0, 3.0]];
        assert_eq!(averaged(&[1.0, 2.5], &same), Some(Averaged::Of(2)));
        assert_eq!(averaged(&[1.0, 3.0], &same), Some(Averaged::Of(1)));
    }
}
