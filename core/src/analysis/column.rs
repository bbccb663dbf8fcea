//! A column of numbers, some of which may be missing.

/// One number per architecture: an estimator's scores, truth or size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Column<'a> {
    /// Name of the column, for messages and reports.
    pub name: &'a str,
    /// One value per architecture; NaN where a score failed or is missing.
    pub values: &'a [f64],
    /// Positions that were never measured, ascending. They are left out of every comparison,
    /// whereas a failure ranks last.
    pub missing: &'a [usize],
}

impl<'a> From<(&'a str, &'a [f64])> for Column<'a> {
    fn from((name, values): (&'a str, &'a [f64])) -> Self {
        Self { name, values, missing: &[] }
    }
}

impl<'a> Column<'a> {
    /// Sets the positions that are `missing`.
    #[must_use]
    pub fn without(self, missing: &'a [usize]) -> Self {
        Self { missing, ..self }
    }

    /// Number of measured positions.
    pub fn measured(&self) -> usize {
        self.values.len() - self.missing.len()
    }

    /// True if the position was measured.
    pub fn has(&self, at: usize) -> bool {
        self.missing.binary_search(&at).is_err()
    }

    /// The measured positions, ascending.
    pub fn positions(&self) -> Vec<usize> {
        (0..self.values.len()).filter(|&at| self.has(at)).collect()
    }

    /// Positions measured in both columns; `None` if nothing is missing in either.
    pub(super) fn common(&self, other: &Self) -> Option<Vec<usize>> {
        if self.missing.is_empty() && other.missing.is_empty() {
            return None;
        }
        Some((0..self.values.len()).filter(|&at| self.has(at) && other.has(at)).collect())
    }
}

/// The `values` at these positions.
pub(super) fn pick(values: &[f64], positions: &[usize]) -> Vec<f64> {
    positions.iter().map(|&at| values[at]).collect()
}
