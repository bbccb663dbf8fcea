//! Where an estimator that the user brought stands among the others.

use super::{Leaderboard, Row, p_value};
use osee_core::criteria::{Bootstrap, paired_comparison};
use std::fmt::Write;

/// What every estimator is compared with, besides the best bundled one.
const BASELINES: [&str; 2] = ["params", "flops"];

/// For each estimator that the user brought: its rank, and a paired
/// comparison with the best of the others, params and flops. Empty without
/// truth, or where none of them has a score.
pub fn standing(board: &Leaderboard) -> String {
    let own = |row: &&Row| board.brought.contains(&row.key.estimator);
    let mut text = String::new();
    for row in board.rows.iter().filter(own) {
        let Some(kd) = row.criteria.as_ref().and_then(|criteria| criteria.kd) else { continue };
        let rank = board.rows.iter().position(|other| other.key.name == row.key.name);
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "\n> {}: rank {} of {}, KD {kd:.3}",
            row.key.name,
            rank.unwrap_or_default() + 1,
            board.rows.len()
        );
        let best = board.rows.iter().find(|row| !own(row));
        let baselines = board.rows.iter().filter(|row| BASELINES.contains(&row.key.name.as_str()));
        let mut others: Vec<&Row> = best.into_iter().chain(baselines).collect();
        others.dedup_by_key(|other| &other.key.name);
        for other in others {
            text += &comparison(board, row, other);
        }
    }
    text
}

fn comparison(board: &Leaderboard, row: &Row, other: &Row) -> String {
    let Some(judged) = &board.judged else { return String::new() };
    let oriented = |row: &Row| -> Vec<f64> {
        judged.positions.iter().map(|&at| row.key.direction.orient(row.scores[at])).collect()
    };
    let paired =
        paired_comparison(&oriented(row), &oriented(other), &judged.values, &Bootstrap::default());
    match paired {
        Some(paired) => {
            let p = p_value(paired.p_value);
            let p = p.strip_prefix('<').map_or_else(|| format!("= {p}"), |it| format!("< {it}"));
            format!(
                "  against {:<14} KD {:+.3}  (95% interval {:+.3} .. {:+.3}, p {p})\n",
                other.key.name, paired.difference, paired.ci[0], paired.ci[1]
            )
        }
        None => format!("  against {:<14} no comparison: one has no ranking\n", other.key.name),
    }
}
