//! Which estimators say the same? (Section 4.2, figure 4.)

use super::{AnalysisError, same_length};
use crate::criteria::kendall_tau_b;
use serde::Serialize;

/// tau-b between all columns.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Agreement {
    /// Names of the columns.
    pub names: Vec<String>,
    /// `kd[i][j]` is tau-b between columns `i` and `j`, symmetric; `None` where
    /// either is constant.
    pub kd: Vec<Vec<Option<f64>>>,
}

/// tau-b between every two columns: scores, and truth, parameters or FLOPs
/// beside them.
///
/// # Errors
/// Columns of different length.
pub fn agreement(columns: &[(&str, &[f64])]) -> Result<Agreement, AnalysisError> {
    let n = columns.len();
    let mut kd = vec![vec![None; n]; n];
    for (i, (name, values)) in columns.iter().enumerate() {
        same_length(name, values.len(), columns[0].1.len())?;
        for (j, (_, others)) in columns[..=i].iter().enumerate() {
            let tau = kendall_tau_b(values, others);
            kd[i][j] = tau;
            kd[j][i] = tau;
        }
    }
    Ok(Agreement { names: columns.iter().map(|(name, _)| (*name).to_owned()).collect(), kd })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_is_symmetric_and_a_constant_agrees_with_nothing() {
        let (a, b, flat) = ([1.0, 2.0, 3.0], [3.0, 2.0, 1.0], [0.0; 3]);
        let kd = agreement(&[("a", &a), ("b", &b), ("flat", &flat)]).unwrap().kd;
        assert_eq!((kd[0][0], kd[0][1], kd[1][0]), (Some(1.0), Some(-1.0), Some(-1.0)));
        assert_eq!((kd[2][2], kd[0][2]), (None, None));
    }
}
