//! Combining rows with the same key.
//!
//! Invariant: a cell without a value never replaces another row's value, and all repeated rows are
//! counted.

use super::{Duplicate, Duplicates};
use crate::mean::mean;
use std::collections::HashMap;

/// Rows by key, in order of first appearance.
pub struct Rows {
    policy: Duplicates,
    at: HashMap<String, usize>,
    pub keys: Vec<String>,
    pub columns: Vec<Vec<f64>>,
    repeated: Vec<Option<Duplicate>>,
    /// All rows of repeated keys, if the mean counts.
    all: HashMap<usize, Vec<Vec<f64>>>,
}

impl Rows {
    pub fn new(columns: usize, policy: Duplicates) -> Self {
        Self {
            policy,
            at: HashMap::new(),
            keys: Vec::new(),
            columns: vec![Vec::new(); columns],
            repeated: Vec::new(),
            all: HashMap::new(),
        }
    }

    pub fn push(&mut self, key: String, values: Vec<f64>) {
        let Some(&at) = self.at.get(&key) else {
            self.at.insert(key.clone(), self.keys.len());
            return self.append(key, values);
        };
        let first = || Duplicate { key: key.clone(), rows: 1, agree: true, without: 0 };
        let duplicate = self.repeated[at].get_or_insert_with(first);
        let known: Vec<f64> = self.columns.iter().map(|column| column[at]).collect();
        let differ = |(old, new): (&f64, &f64)| !old.is_nan() && !new.is_nan() && old != new;
        if duplicate.rows == 1 {
            duplicate.without += usize::from(known.iter().any(|value| value.is_nan()));
        }
        duplicate.rows += 1;
        duplicate.without += usize::from(values.iter().any(|value| value.is_nan()));
        duplicate.agree &= !known.iter().zip(&values).any(differ);
        match self.policy {
            Duplicates::Keep => return self.append(key, values),
            Duplicates::Mean => {
                self.all.entry(at).or_insert_with(|| vec![known]).push(values.clone());
            }
            Duplicates::Error | Duplicates::First | Duplicates::Last => {}
        }
        let last = self.policy == Duplicates::Last;
        for (column, value) in self.columns.iter_mut().zip(values) {
            let old = &mut column[at];
            if old.is_nan() || last && !value.is_nan() {
                *old = value;
            }
        }
    }

    fn append(&mut self, key: String, values: Vec<f64>) {
        self.keys.push(key);
        self.repeated.push(None);
        self.columns.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
    }

    /// Computes the means, if they count, and returns the keys with several rows.
    pub fn finish(&mut self) -> Vec<Duplicate> {
        if !self.all.is_empty() {
            for (at, column) in self.columns.iter_mut().enumerate() {
                for (row, value) in column.iter_mut().enumerate() {
                    *value = match self.all.get(&row) {
                        Some(rows) => mean_there(&rows.iter().map(|it| it[at]).collect::<Vec<_>>()),
                        None => mean_there(&[*value]),
                    };
                }
            }
        }
        std::mem::take(&mut self.repeated).into_iter().flatten().collect()
    }
}

/// [Mean](mean) of the finite values. If there are none, an infinite value if there is any, else
/// NaN.
pub fn mean_there(values: &[f64]) -> f64 {
    let finite: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    match finite.is_empty() {
        true => values.iter().copied().find(|value| value.is_infinite()).unwrap_or(f64::NAN),
        false => mean(&finite),
    }
}
