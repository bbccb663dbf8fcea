//! Compares the estimators of user plugins with the others.

use super::{LEVEL, Leaderboard, Row};
use osee_core::analysis::{
    Comparison, EXCHANGED_UP_TO, SignificanceReport, significance, smallest_exchange_p_value,
};
use osee_report::number::{p_equals, p_size};
use std::fmt::Write;

/// Rows that every estimator is compared with, besides the best bundled one.
const BASELINES: [&str; 2] = ["params", "flops"];
const CONFIDENCE: f64 = 0.95;

/// For each estimator of a user plugin: its rank among the rows that have one, and
/// paired comparisons with the best of the others, params and flops. Empty without
/// truth.
pub fn standing(board: &Leaderboard) -> String {
    let own = |row: &&Row| board.user_plugins.contains(&row.key.estimator.id);
    let kd = |row: &Row| row.criteria.as_ref().and_then(|criteria| criteria.kd);
    let ranked: Vec<&Row> = board.rows.iter().filter(|row| kd(row).is_some()).collect();
    let mut text = String::new();
    for row in board.rows.iter().filter(own) {
        if row.criteria.is_none() {
            continue;
        }
        let name = &row.key.name;
        let rank = ranked.iter().position(|other| other.key.name == *name);
        // Writing to a string cannot fail.
        let Some((rank, kd)) = rank.zip(kd(row)) else {
            let _ =
                writeln!(text, "\n> {name}: no rank, for its scores or the truths are all equal");
            continue;
        };
        let _ = writeln!(text, "\n> {name}: rank {} of {}, KD {kd:.3}", rank + 1, ranked.len());
        let best = ranked.iter().copied().find(|row| !own(row));
        let baselines = board.rows.iter().filter(|row| BASELINES.contains(&row.key.name.as_str()));
        let mut others: Vec<&Row> = best.into_iter().chain(baselines).collect();
        let mut seen = vec![name];
        others.retain(|other| {
            let new = !seen.contains(&&other.key.name);
            seen.push(&other.key.name);
            new
        });
        for other in others {
            let compared = compared(board, row, other);
            let pair = compared.as_ref().and_then(|it| it.comparisons.first());
            text += &comparison(&other.key.name, pair);
        }
        text += &few(board.judged.as_ref().map_or(0, |judged| judged.values.len()));
    }
    text
}

/// Describes the difference between a row and the row `name`.
fn comparison(name: &str, pair: Option<&Comparison>) -> String {
    let known = pair.and_then(|pair| Some((pair.difference?, pair.p_value?, pair.ci)));
    match known {
        Some((difference, p, Some([low, high]))) => format!(
            "  against {name:<14} KD {difference:+.3}  (95% interval {low:+.3} .. {high:+.3}, {})\n",
            p_equals(p)
        ),
        Some((difference, p, None)) => {
            format!("  against {name:<14} KD {difference:+.3}  (no interval, {})\n", p_equals(p))
        }
        None => format!("  against {name:<14} no comparison: one has no ranking\n"),
    }
}

fn compared(board: &Leaderboard, row: &Row, other: &Row) -> Option<SignificanceReport> {
    let judged = board.judged.as_ref()?;
    let oriented = |row: &Row| -> Vec<f64> {
        judged
            .positions
            .iter()
            .map(|&at| row.key.estimator.direction.orient(row.scores[at]))
            .collect()
    };
    let (own, theirs) = (oriented(row), oriented(other));
    let columns: [(&str, &[f64]); 2] = [(&row.key.name, &own), (&other.key.name, &theirs)];
    significance(&columns, &judged.values, CONFIDENCE).ok()
}

/// Says what so few architectures can tell about a difference.
fn few(count: usize) -> String {
    if count > EXCHANGED_UP_TO {
        return String::new();
    }
    let smallest = smallest_exchange_p_value(count);
    let found =
        if smallest < LEVEL { "" } else { ", so they cannot tell two estimators apart at 5%" };
    format!(
        "  {count} architectures: p by all exchanges of ranks, the smallest that they allow is {}{found}\n",
        p_size(smallest)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(own: &[f64], other: &[f64]) -> String {
        let truth: Vec<f64> = (0..own.len()).map(|i| i as f64).collect();
        let found = significance(&[("own", own), ("other", other)], &truth, CONFIDENCE).unwrap();
        comparison("other", found.comparisons.first())
    }

    #[test]
    fn a_comparison_promises_what_its_architectures_allow() {
        let up: Vec<f64> = (0..40).map(f64::from).collect();
        let down: Vec<f64> = up.iter().map(|it| -it).collect();
        let bent: Vec<f64> = up.iter().map(|it| (it - 4.0).abs()).collect();
        let clear = line(&bent, &down);
        assert!(clear.ends_with(", p < 0.001)\n") && clear.contains("95% interval +1."), "{clear}");
        assert_eq!(
            line(&up[..3], &down[..3]),
            "  against other          KD +2.000  (no interval, p = 0.500)\n"
        );
        let flat = "  against other          no comparison: one has no ranking\n";
        assert_eq!(line(&up, &[1.0; 40]), flat);
        assert_eq!(few(13), "");
        assert!(few(3).contains("they allow is 0.250, so they cannot tell two"), "{}", few(3));
        assert!(few(12).ends_with("they allow is 4.9e-4\n"), "{}", few(12));
    }
}
