//! Ranks with ties, and orders for top-k sets.

use std::cmp::Ordering;

/// Ascending order, with NaN below everything and -0 equal to 0.
pub fn compare(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}

/// Positions in ascending order of value; equal values stay in input order.
pub fn ascending(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| compare(values[a], values[b]));
    order
}

/// Positions in descending order of value; equal values stay in input order.
pub fn descending(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| compare(values[b], values[a]));
    order
}

/// For each value, the number of distinct smaller values; and the number of distinct values.
pub fn dense(values: &[f64]) -> (Vec<u32>, usize) {
    let mut ranks = vec![0; values.len()];
    let mut distinct = 0;
    let order = ascending(values);
    for (i, &at) in order.iter().enumerate() {
        if i > 0 && compare(values[order[i - 1]], values[at]) == Ordering::Less {
            distinct += 1;
        }
        ranks[at] = distinct;
    }
    (ranks, if values.is_empty() { 0 } else { distinct as usize + 1 })
}

/// For each value, its rank from 1; equal values share the mean of their ranks.
pub fn average(values: &[f64]) -> Vec<f64> {
    let order = ascending(values);
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let mut end = start + 1;
        while end < order.len() && compare(values[order[start]], values[order[end]]).is_eq() {
            end += 1;
        }
        let shared = (start + 1 + end) as f64 / 2.0;
        for &at in &order[start..end] {
            ranks[at] = shared;
        }
        start = end;
    }
    ranks
}
