//! Combining the scores of several supernets, seeds or estimators into one.

use super::{AnalysisError, at_least, same_length};
use crate::{criteria::average_ranks, mean::mean};

/// [Mean](crate::mean::mean) score per architecture, over columns in the same unit, such as the
/// accuracies of several supernets; NaN where any score failed.
///
/// # Errors
/// If there is no column, or columns differ in length.
pub fn mean_scores<S: AsRef<[f64]>>(columns: &[S]) -> Result<Vec<f64>, AnalysisError> {
    at_least("score columns", columns.len(), 1)?;
    let m = columns[0].as_ref().len();
    for column in columns {
        same_length("scores", column.as_ref().len(), m)?;
    }
    if let [only] = columns {
        return Ok(only.as_ref().to_vec());
    }
    let mut scores = Vec::with_capacity(columns.len());
    let of = |row: usize| {
        scores.clear();
        scores.extend(columns.iter().map(|column| column.as_ref()[row]));
        if scores.iter().any(|score| score.is_nan()) { f64::NAN } else { mean(&scores) }
    };
    Ok((0..m).map(of).collect())
}

/// Mean rank per architecture (1 the lowest, so higher is better), over columns in any units:
/// Borda's count. Failures rank last in their column.
///
/// # Errors
/// If there is no column, or columns differ in length.
pub fn mean_ranks<S: AsRef<[f64]>>(columns: &[S]) -> Result<Vec<f64>, AnalysisError> {
    let ranks: Vec<Vec<f64>> =
        columns.iter().map(|column| average_ranks(column.as_ref())).collect();
    mean_scores(&ranks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_average_and_failures_stay_failures() {
        let mean = mean_scores(&[[1.0, 2.0], [3.0, f64::NAN]]).unwrap();
        assert!(mean[0] == 2.0 && mean[1].is_nan());
        assert_eq!(mean_ranks(&[[1.0, 2.0], [3.0, f64::NAN]]).unwrap(), [1.5, 1.5]);
        assert!(mean_scores::<[f64; 1]>(&[]).is_err());
        assert!(mean_scores(&[vec![1.0], vec![]]).is_err());
    }
}
