//! Significance of differences in tau-b between estimators, for all pairs at once.
//!
//! Up to [`EXCHANGED_UP_TO`] architectures a p-value is exact, by all exchanges of the two
//! estimators' ranks, and there is no interval. Above that, both use a normal approximation: the
//! jackknife's error of the difference, on the scale of Fisher's transformation
//! (`criteria/jackknife.rs`). The two methods need not agree where one takes over from the other,
//! and p may rise there.
//!
//! Invariant: O(M log M) per estimator and per pair; failures rank last, equal to one another; two
//! estimators are compared on the architectures that both have; what is undefined is not compared;
//! nothing depends on the order of the rows.

use super::{
    AnalysisError, Column, all_finite, at_least,
    column::pick,
    exchange::{EXCHANGED_UP_TO, exchange_p_value, smallest_exchange_p_value},
    same_length,
};
use crate::criteria::{
    MIN_ARCHITECTURES, NoInterval,
    correlation::RankedPair,
    jackknife::{Influence, Normal},
};
use serde::Serialize;

/// One estimator's tau-b over the architectures that it has. Its interval is that of
/// [`Bootstrap::tau_b`](crate::criteria::Bootstrap::tau_b).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EstimatorTau {
    /// Name of the estimator.
    pub name: String,
    /// tau-b; `None` where the score or the truth is constant.
    pub kd: Option<f64>,
    /// The jackknife's standard error over the choice of architectures; `None` also for two
    /// architectures.
    pub standard_error: Option<f64>,
    /// Number of architectures that it has.
    pub measured: usize,
    /// Number of these whose score is NaN.
    pub failures: usize,
}

/// Two estimators compared on the same architectures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Position of the first estimator.
    pub first: usize,
    /// Position of the second estimator.
    pub second: usize,
    /// Number of architectures that both have; all fields below refer to these.
    pub architectures: usize,
    /// tau-b of the first minus tau-b of the second. If either is undefined, this and all fields
    /// below but `ci_missing` are `None`.
    pub difference: Option<f64>,
    /// The jackknife's standard error of the difference; `None` also for two architectures.
    pub standard_error: Option<f64>,
    /// Interval of the difference, for this pair alone, inside [-2, 2].
    pub ci: Option<[f64; 2]>,
    /// Why there is no interval; `None` if there is one.
    pub ci_missing: Option<NoInterval>,
    /// Two-sided p-value for this pair alone; 1 if the rankings are the same. `None` also if there
    /// are too many architectures to exchange and all contribute alike, so that their difference
    /// cannot be told from chance.
    pub p_value: Option<f64>,
    /// The p-value corrected for comparing all pairs that have one (Holm, Scand. J. Stat. 6, 1979).
    pub holm_p_value: Option<f64>,
}

/// All estimators and all pairs of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SignificanceReport {
    /// Number of architectures, M.
    pub architectures: usize,
    /// Coverage of the intervals, such as 0.95.
    pub confidence: f64,
    /// The estimators in input order.
    pub estimators: Vec<EstimatorTau>,
    /// Every pair with `first < second`, in order.
    pub comparisons: Vec<Comparison>,
}

impl SignificanceReport {
    fn with_p_value(&self) -> impl Iterator<Item = &Comparison> {
        self.comparisons.iter().filter(|pair| pair.p_value.is_some())
    }

    /// Number of pairs that have a p-value.
    pub fn compared(&self) -> usize {
        self.with_p_value().count()
    }

    /// The smallest and the largest number of architectures among the [`compared`](Self::compared)
    /// pairs; `None` if there are none.
    pub fn common(&self) -> Option<[usize; 2]> {
        let counts = || self.with_p_value().map(|pair| pair.architectures);
        Some([counts().min()?, counts().max()?])
    }

    /// The smallest p-value that a single pair can have.
    pub fn smallest_p(&self) -> f64 {
        let most = self.common().map_or(self.architectures, |[_, most]| most);
        smallest_exchange_p_value(most)
    }

    /// The smallest corrected p-value that a pair can have.
    pub fn smallest_holm_p(&self) -> f64 {
        (self.smallest_p() * self.compared() as f64).min(1.0)
    }
}

impl Comparison {
    /// True if there are so few architectures that p is exact.
    pub fn is_exact(&self) -> bool {
        self.architectures <= EXCHANGED_UP_TO
    }
}

/// An estimator's scores on the architectures of a comparison.
struct Judged {
    scores: Vec<f64>,
    truths: Vec<f64>,
    influence: Option<Influence>,
}

impl Judged {
    fn of(scores: Vec<f64>, truths: Vec<f64>) -> Self {
        let influence = Influence::of(&RankedPair::new(&scores, &truths));
        Self { scores, truths, influence }
    }

    fn on(column: &Column<'_>, truths: &[f64], positions: &[usize]) -> Self {
        Self::of(pick(column.values, positions), pick(truths, positions))
    }
}

/// Compares every two estimators by tau-b with the truth; `confidence` is such as 0.95. Scores that
/// are missing ([`Column`]) are in no comparison.
///
/// # Errors
/// If there are fewer than two architectures, columns differ in length, or a truth is not finite.
pub fn significance<'a, C: Into<Column<'a>> + Copy>(
    estimators: &[C],
    truths: &[f64],
    confidence: f64,
) -> Result<SignificanceReport, AnalysisError> {
    all_finite("truth", truths)?;
    at_least("architectures", truths.len(), MIN_ARCHITECTURES)?;
    let columns: Vec<Column<'a>> = estimators.iter().map(|&column| column.into()).collect();
    let mut all = Vec::with_capacity(columns.len());
    let mut singles = Vec::with_capacity(columns.len());
    for column in &columns {
        same_length(column.name, column.values.len(), truths.len())?;
        let judged = match column.common(column) {
            None => Judged::of(column.values.to_vec(), truths.to_vec()),
            Some(measured) => Judged::on(column, truths, &measured),
        };
        singles.push(EstimatorTau {
            name: column.name.to_owned(),
            kd: judged.influence.as_ref().map(|it| it.tau),
            standard_error: judged.influence.as_ref().and_then(|it| error(it.estimate())),
            measured: column.measured(),
            failures: judged.scores.iter().filter(|score| score.is_nan()).count(),
        });
        all.push(judged);
    }
    let mut comparisons = Vec::new();
    for first in 0..columns.len() {
        for second in first + 1..columns.len() {
            let found = match columns[first].common(&columns[second]) {
                None => compared(&all[first], &all[second], confidence),
                Some(both) => {
                    let on = |at: usize| Judged::on(&columns[at], truths, &both);
                    compared(&on(first), &on(second), confidence)
                }
            };
            comparisons.push(Comparison { first, second, ..found });
        }
    }
    holm(&mut comparisons);
    Ok(SignificanceReport {
        architectures: truths.len(),
        confidence,
        estimators: singles,
        comparisons,
    })
}

/// Two architectures have no standard error, because its formula divides by M - 2.
fn error(of: Normal) -> Option<f64> {
    Some(of.error).filter(|error| error.is_finite())
}

/// Compares one pair on the same architectures.
fn compared(first: &Judged, second: &Judged, confidence: f64) -> Comparison {
    let architectures = first.truths.len();
    let few = architectures <= EXCHANGED_UP_TO;
    let both = first.influence.as_ref().zip(second.influence.as_ref());
    let difference = both.map(|(a, b)| a.less(b));
    let interval = match difference {
        None => Err(NoInterval::Undefined),
        Some(_) if few => Err(NoInterval::TooFew { architectures, needed: EXCHANGED_UP_TO + 1 }),
        Some(it) => it.interval(confidence),
    };
    let p_value = difference.and_then(|it| match few {
        true => Some(exchange_p_value(&first.scores, &second.scores, &first.truths)),
        false => it.p_value(),
    });
    Comparison {
        first: 0,
        second: 0,
        architectures,
        difference: difference.map(|it| it.value),
        standard_error: difference.and_then(error),
        ci: interval.ok(),
        ci_missing: interval.err(),
        p_value: p_value.map(|p| p.max(smallest_exchange_p_value(architectures))),
        holm_p_value: None,
    }
}

fn holm(comparisons: &mut [Comparison]) {
    let mut order: Vec<(usize, f64)> =
        comparisons.iter().enumerate().filter_map(|(at, it)| Some((at, it.p_value?))).collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut largest = 0.0f64;
    for (i, (at, p)) in order.iter().enumerate() {
        largest = largest.max(p * (order.len() - i) as f64).min(1.0);
        comparisons[*at].holm_p_value = Some(largest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::{Bootstrap, bootstrap, kendall_tau_b};
    use osee_model::seed::stream;
    use proptest::prelude::*;
    use rand::Rng;

    /// The truth with noise, rounded to `step` so that there are ties.
    fn noisy(truth: &[f64], noise: f64, step: f64, label: &str) -> Vec<f64> {
        let mut stream = stream(3, &[label]);
        let mut uniform = || f64::from(stream.next_u32()) / f64::from(u32::MAX) - 0.5;
        let noised = truth.iter().map(|t| t + noise * (0..4).map(|_| uniform()).sum::<f64>());
        noised.map(|s| (s / step).round()).collect()
    }

    #[test]
    fn errors_and_intervals_are_those_of_the_bootstrap() {
        let m = 600;
        let truth: Vec<f64> = (0..m).map(|i| f64::from(i / 3)).collect();
        let columns = [
            noisy(&truth, 120.0, 1.0, "good"),
            noisy(&truth, 150.0, 40.0, "tied"),
            noisy(&truth, 500.0, 5.0, "bad"),
        ];
        let named: Vec<(&str, &[f64])> = columns.iter().map(|c| ("", c.as_slice())).collect();
        let ours = significance(&named, &truth, 0.95).unwrap();
        let bootstrap = Bootstrap { resamples: 4000, ..Bootstrap::default() };
        for (column, own) in columns.iter().zip(&ours.estimators) {
            assert!((own.kd.unwrap() - kendall_tau_b(column, &truth).unwrap()).abs() < 1e-12);
            let influence = Influence::of(&RankedPair::new(column, &truth)).unwrap();
            let [low, high] = influence.estimate().interval(0.95).unwrap();
            let theirs = bootstrap.tau_b(column, &truth).unwrap();
            let ratio = (high - low) / (theirs[1] - theirs[0]);
            assert!((ratio - 1.0).abs() < 0.06, "{own:?} {theirs:?}");
        }
        for pair in &ours.comparisons {
            let (a, b) = (&columns[pair.first], &columns[pair.second]);
            let (theirs, p) = bootstrap::paired(a, b, &truth, &bootstrap);
            let [low, high] = pair.ci.unwrap();
            let width = theirs[1] - theirs[0];
            assert!(((high - low) / width - 1.0).abs() < 0.06, "{pair:?} {theirs:?}");
            assert!((low - theirs[0]).abs() < 0.1 * width, "{pair:?} {theirs:?}");
            assert!((pair.p_value.unwrap() - p).abs() < 0.02, "{pair:?} {p}");
        }
    }

    #[test]
    fn the_error_is_that_of_a_table_done_by_hand() {
        // Brown & Benedetti's formula as statistics packages print it (ASE1), which has M^2 for M
        // (M - 1) and no jackknife factor. In the 2 x 2 table 30 10 / 10 50, tau-b equals phi,
        // 7/12.
        let mut cells = Vec::new();
        for (x, y, n) in [(0.0, 0.0, 30), (0.0, 1.0, 10), (1.0, 0.0, 10), (1.0, 1.0, 50)] {
            cells.extend(std::iter::repeat_n((x, y), n));
        }
        let (x, y): (Vec<f64>, Vec<f64>) = cells.into_iter().unzip();
        let ours = significance(&[("x", x.as_slice())], &y, 0.95).unwrap();
        assert!((ours.estimators[0].kd.unwrap() - 7.0 / 12.0).abs() < 1e-12);
        let m = 100.0f64;
        let n = [[30.0, 10.0], [10.0, 50.0]];
        let rows = [40.0, 60.0f64];
        let w = m * m - rows.iter().map(|r| r * r).sum::<f64>();
        let tau = 7.0 / 12.0;
        let mut sum = 0.0;
        for i in 0..2 {
            for j in 0..2 {
                let d = if i == j { n[1 - i][1 - j] } else { -n[1 - i][1 - j] };
                let v = (rows[i] + rows[j]) * w;
                sum += n[i][j] * (2.0 * w * d + tau * v).powi(2);
            }
        }
        let ase = ((sum - m.powi(3) * tau * tau * (2.0 * w).powi(2)) / w.powi(4)).sqrt();
        let factor = ((m - 1.0) * m).sqrt() / (m - 2.0);
        let error = ours.estimators[0].standard_error.unwrap();
        assert!((error / (ase * factor) - 1.0).abs() < 1e-3, "{error} {ase}");
    }

    #[test]
    fn what_is_the_same_or_undefined_says_so() {
        let truth = [1.0, 2.0, 3.0, 4.0];
        let scaled = [10.0, 20.0, 30.0, 40.0];
        let flat = [1.0; 4];
        let all: [(&str, &[f64]); 3] = [("a", &truth), ("b", &scaled), ("flat", &flat)];
        let report = significance(&all, &truth, 0.95).unwrap();
        let same = &report.comparisons[0];
        assert_eq!(
            (same.difference, same.p_value, same.holm_p_value),
            (Some(0.0), Some(1.0), Some(1.0))
        );
        let undefined = &report.comparisons[1];
        assert_eq!((undefined.first, undefined.second, undefined.p_value), (0, 2, None));
        assert!(significance(&all, &[1.0, 2.0], 0.95).is_err());
    }

    #[test]
    fn many_comparisons_are_corrected_in_order() {
        let pair = |p_value| Comparison {
            first: 0,
            second: 1,
            architectures: 40,
            difference: Some(0.1),
            standard_error: None,
            ci: None,
            ci_missing: None,
            p_value,
            holm_p_value: None,
        };
        let mut pairs = [Some(0.01), Some(0.04), None, Some(0.03), Some(0.005)].map(pair);
        holm(&mut pairs);
        let corrected: Vec<_> = pairs.iter().map(|p| p.holm_p_value).collect();
        // Holm by hand: 4 * 0.005, 3 * 0.01, 2 * 0.03, max(0.06, 0.04).
        assert_eq!(corrected, [Some(0.03), Some(0.06), None, Some(0.06), Some(0.02)]);
    }

    #[test]
    fn a_pair_is_compared_where_both_were_measured() {
        let truth: Vec<f64> = (0..60).map(f64::from).collect();
        let columns = [("a", 30.0), ("b", 90.0), ("c", 200.0)]
            .map(|(name, noise)| (name, noisy(&truth, noise, 1.0, name)));
        let gaps: [Vec<usize>; 3] = [(0..20).collect(), (10..50).collect(), Vec::new()];
        let with: Vec<Column<'_>> = columns
            .iter()
            .zip(&gaps)
            .map(|((name, values), gaps)| Column::from((*name, values.as_slice())).without(gaps))
            .collect();
        let report = significance(&with, &truth, 0.95).unwrap();
        assert_eq!(
            report.estimators.iter().map(|it| it.measured).collect::<Vec<_>>(),
            [40, 20, 60]
        );
        assert_eq!(report.common(), Some([10, 40]));
        // The pair alone on the common rows gives the same; a value in a gap changes nothing.
        for pair in &report.comparisons {
            let there =
                |at: &usize| !gaps[pair.first].contains(at) && !gaps[pair.second].contains(at);
            let rows: Vec<usize> = (0..60).filter(there).collect();
            let [a, b] = [pair.first, pair.second].map(|at| pick(&columns[at].1, &rows));
            let alone = [("a", a.as_slice()), ("b", b.as_slice())];
            let alone = significance(&alone, &pick(&truth, &rows), 0.95).unwrap();
            let theirs = &alone.comparisons[0];
            assert_eq!((pair.architectures, pair.is_exact()), (rows.len(), rows.len() <= 12));
            assert_eq!(
                (pair.difference, pair.ci, pair.p_value),
                (theirs.difference, theirs.ci, theirs.p_value)
            );
            let [a, b] = [&a, &b].map(|it| kendall_tau_b(it, &pick(&truth, &rows)).unwrap());
            assert!((pair.difference.unwrap() - (a - b)).abs() < 1e-12);
        }
    }

    #[test]
    fn what_is_undefined_is_not_counted() {
        let truth: Vec<f64> = (0..40).map(f64::from).collect();
        let (good, bad) = (noisy(&truth, 20.0, 1.0, "good"), noisy(&truth, 80.0, 1.0, "bad"));
        let flat = [2.0; 40];
        let all: [(&str, &[f64]); 4] =
            [("good", &good), ("bad", &bad), ("flat", &flat), ("truth", &truth)];
        let report = significance(&all, &truth, 0.95).unwrap();
        assert_eq!((report.comparisons.len(), report.compared()), (6, 3));
        let without: [(&str, &[f64]); 3] = [all[0], all[1], all[3]];
        let without = significance(&without, &truth, 0.95).unwrap();
        let corrected = |report: &SignificanceReport| -> Vec<f64> {
            report.comparisons.iter().filter_map(|pair| pair.holm_p_value).collect()
        };
        assert_eq!(corrected(&report), corrected(&without));
        let undefined = &report.comparisons[1];
        assert_eq!((undefined.second, undefined.p_value, undefined.holm_p_value), (2, None, None));
        assert_eq!(undefined.ci_missing, Some(NoInterval::Undefined));
    }

    #[test]
    fn three_architectures_tell_nothing_apart() {
        let truth = [1.0, 2.0, 3.0];
        let all: [(&str, &[f64]); 2] = [("right", &truth), ("wrong", &[3.0, 2.0, 1.0])];
        let report = significance(&all, &truth, 0.95).unwrap();
        let pair = &report.comparisons[0];
        // The middle one has rank 2 in both: of 8 exchanges, 4 leave a difference of 2 or -2.
        assert_eq!((pair.difference, pair.p_value, pair.ci), (Some(2.0), Some(0.5), None));
        assert_eq!(pair.ci_missing, Some(NoInterval::TooFew { architectures: 3, needed: 13 }));
        assert_eq!((report.smallest_p(), pair.is_exact()), (0.25, true));
        let two = significance(&[("a", &truth[..2]), ("b", &[2.0, 1.0][..])], &truth[..2], 0.95);
        let pair = &two.unwrap().comparisons[0];
        assert_eq!((pair.difference, pair.p_value), (Some(2.0), Some(0.5)));
        assert_eq!((pair.standard_error, pair.ci), (None, None));
    }

    #[test]
    fn no_p_value_is_below_what_the_architectures_allow() {
        let truth: Vec<f64> = (0..13).map(f64::from).collect();
        let reverse: Vec<f64> = truth.iter().map(|t| -t).collect();
        // Both halves are in order, and the better half is ranked last.
        let halves: Vec<f64> = (0..14).map(|i| f64::from((i + 7) % 14)).collect();
        let all: [(&str, &[f64]); 2] = [("right", &truth), ("wrong", &reverse)];
        let report = significance(&all, &truth, 0.95).unwrap();
        let pair = &report.comparisons[0];
        assert_eq!((pair.difference, pair.p_value), (Some(2.0), Some(2.0 / 8192.0)));
        assert_eq!((pair.ci, pair.ci_missing), (None, Some(NoInterval::AllAlike)));
        // Every architecture is in the right order with 6 others. All contribute alike, so the
        // formula gives no error, which says nothing.
        let truth: Vec<f64> = (0..14).map(f64::from).collect();
        let all: [(&str, &[f64]); 2] = [("right", &truth), ("halves", &halves)];
        let report = significance(&all, &truth, 0.95).unwrap();
        let pair = &report.comparisons[0];
        assert!((pair.difference.unwrap() - 14.0 / 13.0).abs() < 1e-12);
        assert_eq!((pair.p_value, pair.ci), (None, None));
    }

    proptest! {
        #[test]
        fn neither_the_order_of_rows_nor_a_constant_changes_anything(
            (rows, shuffled) in prop::collection::vec((0i32..9, 1i32..9, 0i32..9), 2..40)
                .prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle())),
            constant in 0i32..1000,
        ) {
            // Some scores fail.
            let score = |s: i32| if s == 0 { f64::NAN } else { f64::from(s) / 8.0 };
            let report = |rows: &[(i32, i32, i32)], constant: f64| {
                let column = |of: &dyn Fn(&(i32, i32, i32)) -> f64| -> Vec<f64> {
                    rows.iter().map(of).collect()
                };
                let first = column(&|row| score(row.0) + constant);
                let (second, truth) =
                    (column(&|row| score(row.1)), column(&|row| f64::from(row.2)));
                let all: [(&str, &[f64]); 3] =
                    [("first", &first), ("second", &second), ("again", &first)];
                significance(&all, &truth, 0.95).unwrap()
            };
            let found = report(&rows, 0.0);
            // The text shows every digit.
            prop_assert_eq!(format!("{found:?}"), format!("{:?}", report(&shuffled, 0.0)));
            prop_assert_eq!(&found, &report(&rows, f64::from(constant) / 4.0));
            let itself = &found.comparisons[1];
            if found.estimators[0].kd.is_some() {
                prop_assert_eq!((itself.difference, itself.p_value), (Some(0.0), Some(1.0)));
            }
            for pair in &found.comparisons {
                if let Some([low, high]) = pair.ci {
                    prop_assert!(-2.0 <= low && low < high && high <= 2.0);
                }
            }
        }
    }
}
