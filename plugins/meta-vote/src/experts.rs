//! The rows that a meta estimator judges by.

use osee_sdk::prelude::*;

/// Experts in the order in which they were named, each with its sign. One that is named
/// twice counts twice.
pub struct Experts(Vec<Expert>);

struct Expert {
    name: String,
    reversed: bool,
}

impl Experts {
    /// Experts by name. A leading `-` reverses one: of its scores, the low ones are good
    /// where the host would take the high ones.
    pub fn new<T: AsRef<str>>(names: &[T]) -> Self {
        let expert = |name: &T| {
            let name = name.as_ref();
            let reversed = name.starts_with('-');
            Expert { name: name.trim_start_matches('-').to_owned(), reversed }
        };
        Self(names.iter().map(expert).collect())
    }

    /// True if there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Their names without signs, each once, in order.
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::with_capacity(self.0.len());
        for Expert { name, .. } in &self.0 {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names
    }

    /// One column per expert, with a score per architecture of the population. Higher is
    /// better: the host has changed the sign of estimators that declare the contrary, and
    /// those with a leading `-` are reversed here. A failure is NaN.
    ///
    /// # Errors
    /// If the population lacks an expert.
    pub fn columns(&self, population: &Population) -> Result<Vec<Vec<f64>>> {
        let column = |Expert { name, reversed }: &Expert| {
            let at = population.estimators.iter().position(|it| it == name).ok_or_else(|| {
                Error::new(format!("expert `{name}` is not among the study's estimators"))
            })?;
            let sign = if *reversed { -1.0 } else { 1.0 };
            Ok(population.columns[at].iter().map(|score| sign * score).collect())
        };
        self.0.iter().map(column).collect()
    }
}

/// The columns with minus infinity in place of NaN, so that failures rank below every
/// score, and are tied.
pub fn failures_last(mut columns: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    for score in columns.iter_mut().flatten().filter(|score| score.is_nan()) {
        *score = f64::NEG_INFINITY;
    }
    columns
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A population with one architecture per score; experts are called e0, e1, ...
    pub fn population(columns: &[&[f64]]) -> Population {
        Population {
            architectures: (0..columns[0].len()).map(|i| i.to_string()).collect(),
            estimators: (0..columns.len()).map(|i| format!("e{i}")).collect(),
            columns: columns.iter().map(|column| column.to_vec()).collect(),
            ..Population::default()
        }
    }

    #[test]
    fn a_sign_reverses_scores_and_leaves_failures_last() {
        let experts = Experts::new(&["e1", "-e0", "e1"]);
        assert_eq!(experts.names(), ["e1", "e0"]);
        let columns = experts.columns(&population(&[&[1.0, f64::NAN], &[3.0, 4.0]])).unwrap();
        assert_eq!((&columns[0], &columns[2]), (&vec![3.0, 4.0], &vec![3.0, 4.0]));
        assert!(columns[1][0] == -1.0 && columns[1][1].is_nan());
        assert_eq!(failures_last(columns)[1], [-1.0, f64::NEG_INFINITY]);
        let missing = Experts::new(&["-e7"]).columns(&population(&[&[1.0]])).unwrap_err();
        assert_eq!(missing.to_string(), "expert `e7` is not among the study's estimators");
    }
}
