//! Pairwise majorities. They need not be transitive, so a ranking needs a rule: Copeland's
//! (wins minus losses, independent of order), or a comparison sort, whose result depends
//! on the order it starts from.

use std::cmp::Ordering;

/// True if at least half of the experts score `i` above `j`.
fn preferred(experts: &[Vec<f64>], i: usize, j: usize) -> bool {
    let above = experts.iter().filter(|column| column[i] > column[j]).count();
    2 * above >= experts.len()
}

fn majority(experts: &[Vec<f64>], i: usize, j: usize) -> Ordering {
    // With an even number of experts each may be preferred to the other, with ties neither.
    preferred(experts, i, j).cmp(&preferred(experts, j, i))
}

/// For each of the `n` architectures, wins minus losses against all others.
pub fn copeland(experts: &[Vec<f64>], n: usize) -> Vec<f64> {
    let balance = |i| (0..n).map(|j| majority(experts, i, j) as i32).sum::<i32>();
    (0..n).map(|i| f64::from(balance(i))).collect()
}

/// Minus each position after a binary insertion sort by majority. A sort of the
/// standard library may panic on an order that is not transitive.
pub fn comparison_sort(experts: &[Vec<f64>], n: usize) -> Vec<f64> {
    let mut order: Vec<usize> = Vec::with_capacity(n);
    for i in 0..n {
        let at = order.partition_point(|&j| majority(experts, j, i) != Ordering::Less);
        order.insert(at, i);
    }
    let mut scores = vec![0.0; n];
    for (position, &i) in order.iter().enumerate() {
        scores[i] = -(position as f64);
    }
    scores
}
