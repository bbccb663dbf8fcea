//! Normalised discounted cumulative gain of the predicted best.

use super::rank::{compare, descending};

/// nDCG@k: the sum over the k best by score of (2^a - 1) / log2(1 + j), j the predicted rank and a
/// the accuracy as a share, over the same sum in the true order (Tybl & Neumann, VKDNW, CVPR 2025;
/// Järvelin & Kekäläinen, 2002). Accuracies above 1 are percent. Where scores are tied, each of the
/// tied has the mean gain of all, which is the expectation over all orders of ties.
///
/// `None` if truths are no accuracies, from 0 to 100, if all are 0, or if `k` is 0.
pub fn ndcg(scores: &[f64], truths: &[f64], k: usize) -> Option<f64> {
    let percent = truths.iter().any(|truth| *truth > 1.0);
    let accuracies = || truths.iter().all(|truth| (0.0..=100.0).contains(truth));
    if k == 0 || scores.len() != truths.len() || !accuracies() {
        return None;
    }
    let gain = |at: usize| (if percent { truths[at] / 100.0 } else { truths[at] }).exp2() - 1.0;
    let discount = |rank: usize| 1.0 / (rank as f64 + 2.0).log2();
    let predicted = descending(scores);
    let mut sum = 0.0;
    let mut start = 0;
    while start < predicted.len().min(k) {
        let tied = |at: &&usize| compare(scores[**at], scores[predicted[start]]).is_eq();
        let count = predicted[start..].iter().take_while(tied).count();
        let group = &predicted[start..start + count];
        // In the order of the gains, so that the order of rows changes no bit.
        let mut gains: Vec<f64> = group.iter().map(|&at| gain(at)).collect();
        gains.sort_by(f64::total_cmp);
        let mean = gains.iter().sum::<f64>() / count as f64;
        sum += mean * (start..(start + count).min(k)).map(discount).sum::<f64>();
        start += count;
    }
    let best = descending(truths).into_iter().take(k).enumerate();
    let ideal: f64 = best.map(|(rank, at)| gain(at) * discount(rank)).sum();
    (ideal > 0.0).then(|| sum / ideal)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mean over all orders of the rows, of which ties keep the first.
    fn by_brute_force(scores: &[f64], truths: &[f64], k: usize) -> f64 {
        let mut orders: Vec<Vec<usize>> = vec![Vec::new()];
        for i in 0..scores.len() {
            orders = orders
                .into_iter()
                .flat_map(|order| {
                    (0..=order.len()).map(move |at| {
                        let mut longer = order.clone();
                        longer.insert(at, i);
                        longer
                    })
                })
                .collect();
        }
        let of = |values: &[f64], order: &[usize]| {
            let mut order = order.to_vec();
            order.sort_by(|&a, &b| compare(values[b], values[a]));
            let gains = order.iter().take(k).enumerate();
            gains
                .map(|(rank, &at)| (truths[at].exp2() - 1.0) / (rank as f64 + 2.0).log2())
                .sum::<f64>()
        };
        let ideal = of(truths, &orders[0]);
        orders.iter().map(|order| of(scores, order) / ideal).sum::<f64>() / orders.len() as f64
    }

    #[test]
    fn it_is_the_mean_over_all_orders_of_ties() {
        let truths = [0.9, 0.2, 0.6, 0.6, 0.1, 0.8];
        let scores = [2.0, 2.0, f64::NAN, 5.0, f64::NAN, 2.0];
        for k in 1..=6 {
            let (own, wanted) =
                (ndcg(&scores, &truths, k).unwrap(), by_brute_force(&scores, &truths, k));
            assert!((own - wanted).abs() < 1e-12, "{k}: {own} for {wanted}");
        }
        let (mut turned, mut scored) = (truths, scores);
        turned.reverse();
        scored.reverse();
        assert_eq!(ndcg(&scores, &truths, 3), ndcg(&scored, &turned, 3));
    }

    #[test]
    fn a_perfect_ranking_has_1_and_percent_are_shares() {
        let truths = [10.0, 40.0, 90.0];
        assert_eq!(ndcg(&truths, &truths, 2), Some(1.0));
        let shares = truths.map(|it| it / 100.0);
        let scores = [3.0, 2.0, 1.0];
        let both = [ndcg(&scores, &truths, 2), ndcg(&scores, &shares, 2)].map(Option::unwrap);
        assert!((both[0] - both[1]).abs() < 1e-12 && both[0] < 0.5, "{both:?}");
    }

    #[test]
    fn there_is_none_of_losses_or_of_nothing() {
        assert_eq!(ndcg(&[1.0, 2.0], &[-0.5, 0.5], 1), None);
        assert_eq!(ndcg(&[1.0, 2.0], &[0.0, 0.0], 1), None);
        assert_eq!(ndcg(&[1.0, 2.0], &[0.1, 0.2], 0), None);
    }
}
