//! Agreement between estimators: Kendall's tau-b between their scores (section 4.2, figure 4).

use super::{AnalysisError, Column, column::pick, same_length};
use crate::criteria::kendall_tau_b;
use serde::Serialize;

/// Kendall's tau-b between all pairs of columns.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Agreement {
    /// Names of the columns.
    pub names: Vec<String>,
    /// `kd[i][j]` is tau-b between columns `i` and `j` over the architectures that both have. It is
    /// symmetric, and `None` where either column is constant.
    pub kd: Vec<Vec<Option<f64>>>,
}

/// Kendall's tau-b between every two columns: scores, and truth, parameters or FLOPs beside them.
/// Failed scores rank last; missing ones are left out.
///
/// # Errors
/// If columns differ in length.
pub fn agreement<'a, C: Into<Column<'a>> + Copy>(
    columns: &[C],
) -> Result<Agreement, AnalysisError> {
    let columns: Vec<Column<'a>> = columns.iter().map(|&column| column.into()).collect();
    let n = columns.len();
    let mut kd = vec![vec![None; n]; n];
    for (i, column) in columns.iter().enumerate() {
        same_length(column.name, column.values.len(), columns[0].values.len())?;
        for (j, other) in columns[..=i].iter().enumerate() {
            let tau = match column.common(other) {
                None => kendall_tau_b(column.values, other.values),
                Some(both) => {
                    kendall_tau_b(&pick(column.values, &both), &pick(other.values, &both))
                }
            };
            kd[i][j] = tau;
            kd[j][i] = tau;
        }
    }
    Ok(Agreement { names: columns.iter().map(|column| column.name.to_owned()).collect(), kd })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_matrix_is_symmetric_and_a_constant_agrees_with_nothing() {
        let (a, b, flat) = ([1.0, 2.0, 3.0], [3.0, 2.0, 1.0], [0.0; 3]);
        let columns: [(&str, &[f64]); 3] = [("a", &a), ("b", &b), ("flat", &flat)];
        let kd = agreement(&columns).unwrap().kd;
        assert_eq!((kd[0][0], kd[0][1], kd[1][0]), (Some(1.0), Some(-1.0), Some(-1.0)));
        assert_eq!((kd[2][2], kd[0][2]), (None, None));
    }

    #[test]
    fn two_columns_are_compared_where_both_were_measured() {
        // Without the missing scores, a and b have the same order, with a failure last.
        let a = [1.0, f64::NAN, 3.0, 4.0, f64::NAN];
        let b = [1.0, 9.0, 2.0, f64::NAN, 0.0];
        let columns = [
            Column::from(("a", a.as_slice())).without(&[1]),
            Column::from(("b", b.as_slice())).without(&[3]),
        ];
        let kd = agreement(&columns).unwrap().kd;
        assert_eq!(kd[0][1], Some(1.0));
        // The failure of a still ranks last.
        assert_eq!(kd[0][0], Some(1.0));
        assert!(agreement(&[columns[0], Column::from(("c", &b[..2]))]).is_err());
    }
}
